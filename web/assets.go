package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets templates
var files embed.FS

// asset is a file that browsers keep for ever, since its name changes with its content.
type asset struct {
	body []byte
	kind string
}

// assets has the files by their hashed names; assetNames the hashed names by the plain ones.
var assets, assetNames = hashAssets()

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2",
}

func hashAssets() (map[string]asset, map[string]string) {
	found, names := map[string]asset{}, map[string]string{}
	add := func(file string, edit func([]byte) []byte) {
		body, err := files.ReadFile("assets/" + file)
		if err != nil {
			panic(err) // it is embedded: the build is broken
		}
		body = edit(body)
		sum := sha256.Sum256(body)
		ext := path.Ext(file)
		plain := path.Base(file)
		hashed := strings.TrimSuffix(plain, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		found[hashed], names[plain] = asset{body, assetKinds[ext]}, hashed
	}
	same := func(b []byte) []byte { return b }
	for _, file := range []string{"fonts/inter.woff2", "fonts/jetbrains-mono.woff2", "app.js", "icon.svg"} {
		add(file, same)
	}
	add("app.css", func(css []byte) []byte { // the fonts that it names have their hashed names too
		text := string(css)
		for _, font := range []string{"inter.woff2", "jetbrains-mono.woff2"} {
			text = strings.ReplaceAll(text, font, names[font])
		}
		return []byte(text)
	})
	return found, names
}

func (h *Handler) asset(w http.ResponseWriter, req *request) error {
	a, ok := assets[req.PathValue("name")]
	if !ok {
		return errNoPage
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err := w.Write(a.body)
	return err
}
