"""How the report looks: one style sheet, light and dark, wide, narrow and on paper, with the reader's own fonts."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --sheet: #ffffff; --ink: #1b1f24; --quiet: #5c6670; --rule: #dcdfe2; --faint: #eff1f1;
  --filled: #0a6c66; --waits: #a65a00; --wrong: #b3261e;
  --s1: #23566b; --s2: #0f8a80; --s3: #d98a1f; --s4: #b2506b; --s5: #7464a8; --s6: #a3acb3; --s7: #b3261e;
  --text: system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  --title: "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", Georgia, serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --sheet: #1b1f23; --ink: #e6e8e9; --quiet: #9ba5ad; --rule: #333a40; --faint: #23282c;
    --filled: #58cabd; --waits: #eba94b; --wrong: #f28b82;
    --s1: #5f9fbd; --s2: #3fb3a7; --s3: #e2a24a; --s4: #d5809a; --s5: #a79ad6; --s6: #6d777f; --s7: #f28b82;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--text); }
main { max-width: 74rem; margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; }
h1, h2 { font-family: var(--title); font-weight: 600; text-wrap: balance; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2.2vw, 2.7rem); line-height: 1.18; margin: .5rem 0 1rem; max-width: 24em; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .4rem; }
h3 { font-size: 1rem; margin: 1.8rem 0 .5rem; }
p { margin: 0 0 .8rem; max-width: 44rem; }
.over { color: var(--quiet); margin: 0; font-size: .93rem; max-width: none; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.small { font-size: .88rem; }
code { font: .92em var(--mono); background: var(--faint); padding: .1em .35em; border-radius: 3px;
  overflow-wrap: anywhere; }
.note { border-left: 3px solid var(--waits); padding: .1rem 0 .1rem .9rem; }
.do { display: flex; flex-wrap: wrap; gap: .3rem 2rem; margin: 0 0 2rem; padding: 0; list-style: none; }
.do b { font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0; margin: 0 0 1.5rem;
  border-top: 2px solid var(--ink); }
.figures div { padding: 1rem 1.2rem 1rem 0; }
.figures dt { font-size: .93rem; font-weight: 600; }
.figures dd { margin: 0; }
.figures .big { font: 600 2.5rem/1.15 var(--title); font-variant-numeric: lining-nums tabular-nums; }
.figures .of { font: 400 1rem var(--text); color: var(--quiet); }
.filled { color: var(--filled); } .waits { color: var(--waits); } .wrong { color: var(--wrong); }
section { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 0 2.5rem; border-top: 1px solid var(--rule);
  padding: 1.6rem 0 2.2rem; }
section > header { position: sticky; top: 1rem; align-self: start; }
section > header p { font-size: .93rem; color: var(--quiet); }
section h3:first-child { margin-top: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 .5rem; }
th { text-align: left; font-weight: 600; font-size: .85rem; color: var(--quiet); vertical-align: bottom; }
th, td { padding: .42rem .9rem .42rem 0; border-bottom: 1px solid var(--rule); }
td { vertical-align: top; overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
tbody th { color: var(--ink); font-size: inherit; font-weight: 500; vertical-align: top; overflow-wrap: break-word; }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.sub { display: block; color: var(--quiet); font-size: .85rem; font-weight: 400;
  overflow-wrap: anywhere; }
.narrow-on { display: none; }
td .bar { margin-top: .45rem; }
th.n { white-space: normal; }
.path { overflow-wrap: anywhere; }
.bar { display: block; height: .62rem; min-width: 2px; background: var(--filled); border-radius: 1px; }
.stack { display: flex; height: 1.5rem; gap: 2px; margin: .3rem 0 1rem; }
.stack span { min-width: 3px; }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .55rem; border-radius: 2px; }
.s1 { background: var(--s1); } .s2 { background: var(--s2); } .s3 { background: var(--s3); }
.s4 { background: var(--s4); } .s5 { background: var(--s5); } .s6 { background: var(--s6); }
.s7 { background: var(--s7); }
.scale { position: relative; height: 4.6rem; margin: .6rem .6rem 2.6rem; border-bottom: 1px solid var(--quiet); }
.scale i { position: absolute; bottom: 0; font-style: normal; }
.scale .range { height: .9rem; background: var(--filled); opacity: .3; }
.scale .dot { width: 3px; height: 3rem; margin-left: -1.5px; background: var(--filled); }
.scale .base { width: 0; height: 1.6rem; border-left: 2px dotted var(--waits); margin-left: -1px; }
.scale .end { bottom: -1.5rem; font-size: .8rem; color: var(--quiet); }
.scale .say { font-size: .88rem; white-space: nowrap; }
details { border-bottom: 1px solid var(--rule); }
summary { cursor: pointer; padding: .5rem 0; display: grid; grid-template-columns: 1rem 9.5rem 3rem minmax(4rem, 1fr);
  gap: .7rem; align-items: center; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; border: .3rem solid transparent; border-left-color: var(--quiet); margin-left: .3rem; }
details[open] > summary::before { transform: rotate(90deg); transform-origin: .15rem 50%; }
summary:focus-visible { outline: 2px solid var(--filled); outline-offset: 2px; }
summary b { font-weight: 600; }
details > .scroll { padding: 0 0 1.2rem 1.7rem; }
figure { margin: 2rem 0 0; }
figure img { display: block; max-width: 100%; height: auto; background: #ffffff; border: 1px solid var(--rule); }
figcaption { font-size: .9rem; color: var(--quiet); margin-top: .5rem; max-width: 44rem; }
figcaption b { color: var(--ink); }
ol.plain, ul.plain { margin: 0 0 1rem; padding-left: 1.2rem; }
footer { border-top: 2px solid var(--ink); padding-top: 1rem; color: var(--quiet); font-size: .88rem; }
@media (max-width: 52rem) {
  main { padding-top: 1.5rem; }
  section { display: block; }
  section > header { position: static; margin-bottom: 1rem; }
  .figures { grid-template-columns: 1fr 1fr; }
  .figures .big { font-size: 2rem; }
  details > .scroll { padding-left: 0; }
  summary { grid-template-columns: 1rem minmax(6rem, 8rem) 2.5rem minmax(2rem, 1fr); }
  .narrow-off { display: none; }
  .narrow-on { display: block; }
  th, td { padding-right: .6rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; }
  body { font-size: 10.5pt; }
  section { display: block; }
  section > header { position: static; }
  tr, figure { break-inside: avoid; }
  .stack span, .bar, .key, .scale i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
