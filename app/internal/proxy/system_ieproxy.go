//go:build windows || (darwin && cgo)

package proxy

import (
	"net/http"
	"net/url"
	"sync"

	"github.com/mattn/go-ieproxy"
)

// reading keeps the library's globals to one goroutine.
var reading sync.Mutex

// system reads the setting of Windows or macOS anew: the library by itself
// reads it once.
func system(req *http.Request) (*url.URL, error) {
	reading.Lock()
	ieproxy.ReloadConf()
	ask := ieproxy.GetProxyFunc()
	reading.Unlock()
	return ask(req)
}
