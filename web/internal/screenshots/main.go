// Command screenshots takes pictures of every page of the dashboard, light and dark, in every language, and one at the
// width of a phone, into the folder that it is given. It needs Chromium.
package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/lang"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/browser"
	"github.com/errandhq/errand/web/internal/sample"
)

func main() {
	dir := "docs/screenshots"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(context.Background(), dir); err != nil {
		log.Fatal(err)
	}
}

// shot is a page to take.
type shot struct {
	name, path string
	height     int64 // of the window, wide; 0: the usual
}

func run(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	st := memory.New()
	defer st.Close()
	if err := sample.Fill(ctx, st); err != nil {
		return err
	}
	handler := web.New(st, web.Config{InsecureNoAuth: true})
	defer handler.Close()
	server := httptest.NewServer(handler)
	defer server.Close()
	failed, err := st.Jobs(ctx, errand.JobFilter{Task: "invoice.issue", State: errand.StateFailed, Newest: true, Limit: 1})
	if err != nil || len(failed.Jobs) == 0 {
		return fmt.Errorf("no failed job to take: %w", err)
	}
	shots := []shot{
		{"overview", "/?by=queue", 1380}, {"queues", "/queues", 0}, {"queue", "/queues/mail", 0}, {"jobs", "/jobs?state=failed", 0},
		{"job", "/jobs/" + failed.Jobs[0].ID + "?queue=invoices", 1240}, {"failures", "/failures", 0}, {"hotqueues", "/hotqueues", 0},
		{"workers", "/workers", 0}, {"enqueue", "/enqueue?queue=invoices&from=" + failed.Jobs[0].ID, 0}, {"audit", "/audit", 0},
		{"settings", "/settings", 0},
	}
	tab, end, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, l := range lang.All() {
		for _, theme := range []string{"light", "dark"} {
			for _, s := range shots {
				name := strings.Join([]string{s.name, l.Tag, theme}, "-")
				if err := take(tab, server.URL+s.path, l.Tag, theme, 1280, cmp.Or(s.height, 800), filepath.Join(dir, name+".png")); err != nil {
					return fmt.Errorf("take %s: %w", name, err)
				}
			}
		}
	}
	for _, s := range shots {
		if err := take(tab, server.URL+s.path, "en", "light", 390, 844, filepath.Join(dir, s.name+"-phone.png")); err != nil {
			return err
		}
	}
	return nil
}

func take(tab context.Context, url, tag, theme string, width, height int64, file string) error {
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	var emulate []chromedp.EmulateViewportOption
	if width < 500 {
		emulate = append(emulate, chromedp.EmulateMobile)
	}
	err := chromedp.Do(ctx,
		chromedp.EmulateViewport(width, height, emulate...),
		browser.Cookie(url, "errand_lang", tag), browser.Cookie(url, "errand_theme", theme), browser.Cookie(url, "errand_refresh", "0"),
		chromedp.Navigate(url),
	)
	if err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.fonts.ready.then(() => true)`, chromedp.EvalAwaitPromise)); err != nil {
		return err
	}
	raw, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	small, err := fewerColours(raw)
	if err != nil {
		return err
	}
	return os.WriteFile(file, small, 0o644)
}

// fewerColours writes a picture with a palette, which takes a third of the place.
func fewerColours(raw []byte) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	bounds := picture.Bounds()
	small := image.NewPaletted(bounds, commonest(picture))
	draw.Draw(small, bounds, picture, bounds.Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, small); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// commonest picks up to 256 colours, the commonest first, and none that is close to one already picked, so that rare
// hues keep their place.
func commonest(picture image.Image) color.Palette {
	counts := map[color.RGBA]int{}
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	byCount := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var colours color.Palette
	for _, c := range byCount {
		if len(colours) < 256 && !slices.ContainsFunc(colours, func(have color.Color) bool { return near(have.(color.RGBA), c) }) {
			colours = append(colours, c)
		}
	}
	return colours
}

func near(a, b color.RGBA) bool {
	apart := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return apart(a.R, b.R)+apart(a.G, b.G)+apart(a.B, b.B) < 12
}
