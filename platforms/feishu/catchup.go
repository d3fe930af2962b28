package feishu

import "context"

func (r *run) catchUp(ctx context.Context) error { return nil }
