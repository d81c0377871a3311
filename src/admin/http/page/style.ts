/** The style of the page, and the policy that lets a browser use nothing else. */
import { createHash } from 'node:crypto'

/** Contrast is 4.5:1 at least in both schemes. Colours say nothing that a word does not say as well. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#1b1f24;--dim:#59636e;--line:#d8dde3;--ok:#156c2f;--warn:#8a5300;--bad:#b3201b;--okbg:#e3f4e6;--warnbg:#fdf1d6;--badbg:#fde6e4}
@media(prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#171b21;--ink:#e4e8ec;--dim:#9aa5b1;--line:#2b323b;--ok:#5fd37c;--warn:#eab14b;--bad:#ff8079;--okbg:#12301b;--warnbg:#3a2a0a;--badbg:#431715}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
header,main,footer{max-width:1280px;margin:0 auto;padding:0 16px}
header{display:flex;flex-wrap:wrap;gap:0 12px;padding-top:12px;padding-bottom:12px;color:var(--dim);font-size:13px;align-items:baseline}
header b{color:var(--ink)}
header time{margin-left:auto}
footer{padding-top:8px;padding-bottom:24px;color:var(--dim);font-size:13px}
a{color:inherit}
h2{font-size:13px;font-weight:600;margin:0;color:var(--dim);letter-spacing:.02em}
h3{font-size:13px;font-weight:600;margin:20px 0 6px;color:var(--dim)}
section{background:var(--card);border:1px solid var(--line);border-left-width:6px;border-radius:8px;padding:14px 16px 16px;margin-bottom:16px}
section.ok{border-left-color:var(--ok)}
section.warn{border-left-color:var(--warn)}
section.bad{border-left-color:var(--bad)}
.state{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin:2px 0 0;font-size:26px;font-weight:650;line-height:1.25}
.state small{font-size:15px;font-weight:400;color:var(--dim)}
.why{margin:2px 0 0;color:var(--dim)}
.tag{display:inline-block;border-radius:5px;padding:1px 8px;font-size:13px;font-weight:650;line-height:1.5;white-space:nowrap;background:var(--line);color:var(--ink)}
.state .tag{font-size:17px}
.tag.ok{background:var(--okbg);color:var(--ok)}
.tag.warn{background:var(--warnbg);color:var(--warn)}
.tag.bad{background:var(--badbg);color:var(--bad)}
ul{list-style:none;margin:12px 0 0;padding:0}
.alerts li{border-radius:6px;padding:6px 10px;margin-top:6px;font-weight:550}
.alerts .warn{background:var(--warnbg);color:var(--warn)}
.alerts .bad{background:var(--badbg);color:var(--bad)}
nav{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 16px}
nav a{text-decoration:none}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 14px;margin:14px 0 0}
dt{color:var(--dim)}
dd{margin:0}
table{width:100%;border-collapse:collapse}
th{font-size:12px;font-weight:600;color:var(--dim);text-align:left;padding:3px 10px 3px 0;border-bottom:1px solid var(--line);vertical-align:bottom}
td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:normal}
tr:last-child>td{border-bottom:0}
th.n,td.n{text-align:right;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
td small{color:var(--dim);font-size:12.5px}
tr.group>td{padding-top:10px}
tr.group>.n{font-weight:650}
tr.part>td:first-child{padding-left:16px}
.wrap{overflow-wrap:anywhere}
.events td:first-child{white-space:nowrap;color:var(--dim);width:1%;padding-right:16px}
.events .tag{padding:0 6px;font-size:12px}
@media(max-width:1100px){
body{font-size:16px}
header,main,footer{padding-left:10px;padding-right:10px}
section{padding:12px}
thead{display:none}
table,tbody{display:block}
tr{display:grid;grid-template-columns:1fr 1fr;align-items:baseline;gap:2px 12px;border-bottom:1px solid var(--line);padding:8px 0}
tr:last-child{border-bottom:0}
td,td.n,tr.group>td{display:flex;justify-content:space-between;align-items:baseline;gap:8px;border:0;padding:1px 0;text-align:left;white-space:normal}
td:empty,tr.group>td:empty{display:none}
td[data-label]::before{content:attr(data-label);color:var(--dim);font-weight:400;font-size:13px;white-space:nowrap}
td.name,td.wide{grid-column:1/-1}
td.wide{display:block}
td.wide[data-label]::before{margin-right:8px}
td[data-label=""]::before{content:none}
td.name small{display:block}
tr.part>td:first-child{padding-left:0}
tr.part{margin-left:14px}
dl{grid-template-columns:1fr}
dd{margin-bottom:6px}
.events tr{grid-template-columns:1fr}
}
`

/** Nothing from anywhere, no script, and only this style. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
