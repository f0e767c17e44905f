package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/web"
	"github.com/errandhq/errand/web/internal/sample"
)

func (v *visit) press(keys string) { v.t.Helper(); v.do(chromedp.KeyEvent(keys)) }

// TestBrowserKeyboard goes about by keys alone: to a page, along rows, to the filter; focus is first on what skips the
// navigation.
func TestBrowserKeyboard(t *testing.T) {
	v := newVisit(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	v.open("/")
	v.press(kb.Tab)
	v.eventually(`document.activeElement.matches(".skip")`)
	v.press("?")
	v.eventually(`document.querySelector("#keys").open && document.querySelector("#keys").contains(document.activeElement)`)
	v.press(kb.Escape)
	v.eventually(`!document.querySelector("#keys").open`)
	v.press("g")
	v.press("j")
	v.eventually(`location.pathname === "/jobs" && document.querySelector(".scripted") !== null`)
	v.press("j")
	v.press("j")
	v.press("x")
	v.eventually(`document.querySelectorAll("tr[data-row]")[1].contains(document.activeElement) && document.querySelector("[data-selected]").textContent === "1 selected"`)
	v.press("k")
	v.eventually(`document.querySelectorAll("tr[data-row]")[0].contains(document.activeElement)`)
	v.press("/")
	v.eventually(`document.activeElement.name === "text"`)
	v.press("gq") // into the field, not to another page
	v.eventually(`document.activeElement.value.endsWith("gq") && location.pathname === "/jobs"`)
}

// TestBrowserChart reads a chart's values by keys and by the pointer, and chooses another period and split.
func TestBrowserChart(t *testing.T) {
	v := newVisit(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	v.open("/")
	v.do(chromedp.Focus(chromedp.CSS(`#charts .chart:nth-child(2) svg`)))
	v.press(kb.ArrowLeft)
	v.press(kb.ArrowLeft)
	v.eventually(`(() => { const c = document.querySelector("#charts .chart:nth-child(2)"), rows = c.querySelectorAll("tbody tr"), row = rows[rows.length - 2];
		return c.querySelector("[data-moment]").textContent === row.children[0].textContent && c.querySelector("[data-value]").textContent === row.children[1].textContent })()`)
	v.do(chromedp.MouseClickXY(evaluate[float64](v, `(() => { const s = document.querySelector("#charts .plot svg"); s.scrollIntoView({block: "center"}); const b = s.getBoundingClientRect(); return b.left + b.width / 2 })()`),
		evaluate[float64](v, `(() => { const b = document.querySelector("#charts .plot svg").getBoundingClientRect(); return b.top + b.height / 2 })()`)))
	v.eventually(`[...document.querySelectorAll("[data-chart]")].every((c) => c.dataset.at === "30")`)
	v.do(chromedp.Click(chromedp.CSS(`.segments a:nth-child(2)`)))
	v.eventually(`new URLSearchParams(location.search).get("period") === "24h" && document.querySelectorAll("#charts tbody")[0].rows.length === 48`)
	if evaluate[bool](v, `(() => { const s = document.querySelector("select[name=by]"); s.value = "task"; s.dispatchEvent(new Event("change", {bubbles: true})); return false })()`) {
		t.Fatal("unreachable")
	}
	v.eventually(`new URLSearchParams(location.search).get("by") === "task" && document.querySelector("#charts .legend").textContent.includes("mail.send")`)
}

// TestBrowserMove moves the jobs that were selected to a queue that the dialog asks for.
func TestBrowserMove(t *testing.T) {
	st := office(t, sample.Fill)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	v.open("/queues/mail?state=queued")
	v.do(chromedp.Click(chromedp.CSS(`tr[data-row]:nth-child(1) input`)), chromedp.Click(chromedp.CSS(`tr[data-row]:nth-child(3) input`)),
		chromedp.Click(chromedp.CSS(`.bulk button[value=move]`)))
	v.eventually(`document.querySelector("#dialog[open] h1")?.textContent === "Move 2 jobs to another queue?"`)
	v.do(chromedp.SendKeys(chromedp.CSS(`#dialog input[name=to]`), "mail-slow"), chromedp.Click(chromedp.CSS(`#dialog .primary`)))
	v.eventually(`document.querySelector(".note")?.textContent === "2 jobs moved."`)
	page, err := st.Jobs(t.Context(), errand.JobFilter{Queue: "mail-slow"})
	if err != nil || len(page.Jobs) != 2 {
		t.Fatalf("%d jobs are there: %v", len(page.Jobs), err)
	}
	v.open("/jobs/" + page.Jobs[0].ID + "?queue=mail") // the old link still finds it
	v.eventually(`document.querySelector(".head .meta a").textContent === "mail-slow"`)
}

// TestBrowserProgress: what takes long shows its progress on a page of its own, which changes by itself, and which a
// browser without a script loads again.
func TestBrowserProgress(t *testing.T) {
	st := newGated(office(t, canceled(700)))
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	v.open("/jobs?state=canceled")
	v.do(chromedp.Click(chromedp.CSS(`.bulk input[name=all]`)), chromedp.Click(chromedp.CSS(`.bulk button[value=requeue]`)))
	v.eventually(`document.querySelector("#dialog[open] h1")?.textContent === "Requeue 700 jobs?"`)
	v.do(chromedp.Click(chromedp.CSS(`#dialog .primary`)))
	v.eventually(`location.pathname.startsWith("/operations/") && (window.kept = true) && document.querySelector("#operation .tag").textContent === "running"`)
	if !evaluate[bool](v, `document.querySelector("head noscript").textContent.includes("refresh")`) {
		t.Error("without a script the page would stay as it is")
	}
	close(st.open)
	v.eventually(`window.kept && document.querySelector("#operation .tag").textContent === "done" && document.querySelector(".progress b").textContent === "700"`)
	v.open("/operations")
	v.eventually(`document.querySelectorAll("#operations article").length === 1`)
}

// TestBrowserWorkers tells a worker to be quiet by a click, and another to stop after a question.
func TestBrowserWorkers(t *testing.T) {
	st := office(t, sample.Fill)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	const worker = "office-1:4711:a3f9"
	for _, step := range []struct{ click, see string }{
		{`.worker button[value=quiet]`, "Worker " + worker + " will claim no more jobs."},
		{`.worker button[value=stop]`, ""},
		{`#dialog .danger`, "Worker " + worker + " will finish what it runs and stop."},
	} {
		if step.see == "" {
			v.open("/workers")
			v.do(chromedp.Click(chromedp.CSS(step.click)))
			v.eventually(`document.querySelector("#dialog[open] h1")?.textContent.startsWith("Stop worker")`)
			continue
		}
		if strings.HasPrefix(step.click, ".") {
			v.open("/workers")
		}
		v.do(chromedp.Click(chromedp.CSS(step.click)))
		v.eventually(`document.querySelector(".note")?.textContent === "` + step.see + `"`)
	}
	if orders, err := st.Orders(t.Context(), worker); err != nil || !orders.Quiet || !orders.Stop {
		t.Errorf("the worker's orders are %+v: %v", orders, err)
	}
}

// TestBrowserForm fills in the example of a task, is told which field is wrong, and enqueues once it is right.
func TestBrowserForm(t *testing.T) {
	st := office(t, sample.Fill)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	v.open("/enqueue?task=mail.send&queue=mail")
	v.eventually(`JSON.stringify(JSON.parse(document.querySelector("textarea").value)) === '{"to":"","template":""}'`)
	v.do(chromedp.SetValue(chromedp.CSS(`textarea`), `{"to": 12900000000000000001, "templat": "x"}`), chromedp.Click(chromedp.CSS(`.form .primary`)))
	v.eventually(`[...document.querySelectorAll("#faults code")].map((c) => c.textContent).join() === "template,templat,to"`)
	v.eventually(`document.querySelector("textarea").value.includes("12900000000000000001")`)
	v.do(chromedp.SetValue(chromedp.CSS(`textarea`), `{"to": "ada@example.com", "template": "x"}`), chromedp.Click(chromedp.CSS(`.form .primary`)))
	v.eventually(`document.querySelector(".note")?.textContent === "The job is in."`)
}

// contrast is a script that lists the texts of a page that stand out too little from what is behind them, by WCAG 2.2's
// level AA: 4.5 to 1, 3 to 1 for large text.
const contrast = `(() => {
	const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
	const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
	const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] / 255 + below[i] * (1 - top[3] / 255));
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (el) => el ? over(rgba(getComputedStyle(el).backgroundColor), behind(el.parentElement)) : [255, 255, 255];
	const bad = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const el = walk.currentNode.parentElement;
		if (!walk.currentNode.textContent.trim() || !el.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
		const style = getComputedStyle(el), back = behind(el), size = parseFloat(style.fontSize);
		const [a, b] = [light(over(rgba(style.color), back)), light(back)];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
		if (ratio < least) bad.add(el.tagName + "." + el.className + " " + ratio.toFixed(2) + " " + walk.currentNode.textContent.trim().slice(0, 30));
	}
	return [...bad].join("\n");
})()`

// unlabelled is a script that lists the controls of a page without a name for who cannot see them, and ids that are there
// twice.
const unlabelled = `(() => {
	const name = (el) => el.ariaLabel || [...(el.labels || [])].map((l) => l.textContent).join("").trim() || (el.matches("a, button, summary") && el.textContent.trim());
	const bad = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=img]")].filter((el) => !name(el)).map((el) => el.outerHTML.slice(0, 80));
	const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
	return [...bad, ...ids.filter((id, i) => ids.indexOf(id) !== i)].join("\n");
})()`

// TestBrowserAccessible: in both themes every text has enough contrast, every control a name.
func TestBrowserAccessible(t *testing.T) {
	st := office(t, sample.Fill)
	v := newVisit(t, st, web.Config{InsecureNoAuth: true})
	job := firstFailed(t, st, "invoice.issue")
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(v.tab, emulation.SetEmulatedMedia, still); err != nil { // a colour that changes has none of its own
		t.Fatal(err)
	}
	v.do(chromedp.EmulateViewport(1280, 900))
	for _, path := range append([]string{"/jobs/" + job.ID + "?queue=invoices", "/nothing", "/queues/mail"}, pagePaths...) {
		v.open(path)
		for _, theme := range []string{"light", "dark"} {
			evaluate[bool](v, `(document.documentElement.dataset.theme = "`+theme+`", true)`)
			if bad := evaluate[string](v, contrast); bad != "" {
				t.Errorf("%s, %s: too little contrast:\n%s", path, theme, bad)
			}
		}
		if bad := evaluate[string](v, unlabelled); bad != "" {
			t.Errorf("%s: no name, or an id twice:\n%s", path, bad)
		}
	}
}

// TestNoUnscriptedReload: only the page of what is under way asks to be loaded again.
func TestNoUnscriptedReload(t *testing.T) {
	h := dashboard(t, office(t, sample.Fill), web.Config{InsecureNoAuth: true})
	for _, path := range pagePaths {
		if got, body := ask(h, http.MethodGet, path, ""); got.StatusCode != http.StatusOK || strings.Contains(body, "<noscript>") {
			t.Errorf("%s: %d, or it asks to be loaded again", path, got.StatusCode)
		}
	}
}
