// Package browser starts a headless Chromium for tests and screenshots of the dashboard.
package browser

import (
	"context"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Start starts a Chromium with an empty profile and returns the context of its tab, and what ends it.
func Start(ctx context.Context) (context.Context, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	alloc, endAlloc := chromedp.NewExecAllocator(ctx, options...)
	tab, endTab := chromedp.NewContext(alloc)
	end := func() { endTab(); endAlloc() }
	if err := chromedp.Do(tab); err != nil {
		end()
		return nil, nil, err
	}
	return tab, end, nil
}

// Cookie is an action that sets a cookie for the site of a URL.
func Cookie(url, name, value string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url})
		return chromedp.Void{}, err
	}
}
