package web

import "html/template"

// icons are drawn on a grid of 16 with lines of the text's own colour.
var icons = map[string]template.HTML{
	"overview":  `<path d="M2 13h12M4 10.5V7M8 10.5V3M12 10.5V5.5"/>`,
	"queues":    `<path d="M2.5 4h11M2.5 8h11M2.5 12h7"/>`,
	"jobs":      `<path d="M2.5 3.5h11v9h-11zM5 6.5h6M5 9.5h4"/>`,
	"failures":  `<path d="M8 2.5 14 13H2zM8 6.5v3M8 11.2v.1"/>`,
	"hotqueues": `<path d="M8.8 2 4 9h4l-.8 5L12 7H8z"/>`,
	"workers":   `<path d="M3 3h10v4H3zM3 9h10v4H3zM5.3 5h.1M5.3 11h.1"/>`,
	"audit":     `<path d="M4 2.5h8v11H4zM6.2 5.5h3.6M6.2 8h3.6M6.2 10.5h2"/>`,
	"enqueue":   `<path d="M8 3v10M3 8h10"/>`,
	"settings":  `<path d="M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 3.5v3M6 9.5v3"/>`,
	"menu":      `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"pause":     `<path d="M5.5 3.5v9M10.5 3.5v9"/>`,
	"play":      `<path d="M5 3.5v9l7-4.5z"/>`,
	"redo":      `<path d="M13 3v3.5H9.5M12.7 6.2A5 5 0 1 0 13 9"/>`,
}

// icon draws one beside its label, so that who listens to the page hears only that.
func icon(name string) template.HTML {
	return `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`
}
