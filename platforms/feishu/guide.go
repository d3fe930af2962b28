package feishu

import (
	"context"

	"github.com/postern/postern/platforms"
)

func guide() platforms.Guide { return platforms.Guide{} }

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, err := c.me(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	return platforms.Identity{ID: platforms.UserID(me.OpenID), Name: me.Name}, nil
}
