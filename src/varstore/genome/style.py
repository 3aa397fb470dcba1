"""The style sheet of a report: light, dark and on paper."""

STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --paper: #ffffff; --card: #f4f6f9; --edge: #d5dbe3; --blue: #0072B2;
  --orange: #b84f00; --green: #00795a; --amber: #a86400; --band: #a9c9e0; --part0: #0072B2; --part1: #D55E00;
  --part2: #8a93a0; --part3: #c9ced6; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e7ebf0; --soft: #a5b0be; --paper: #12171e;
  --card: #1b222c; --edge: #36404d; --blue: #56B4E9; --orange: #ff9248; --green: #4cc9a0; --amber: #f0b849;
  --band: #2c5470; --part0: #56B4E9; --part1: #ff9248; --part2: #8a93a0; --part3: #4a5462; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--edge); }
p, li { max-width: 46rem; }
a { color: var(--blue); }
a:focus-visible { outline: 3px solid var(--orange); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
.soft, figcaption, caption { color: var(--soft); font-size: .9rem; }
caption { text-align: left; padding-bottom: .35rem; }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.cards li { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .6rem .9rem;
  flex: 1 1 9rem; }
.cards b { display: block; font-size: 1.35rem; line-height: 1.2; }
.note { background: var(--card); border-left: .3rem solid var(--blue); padding: .6rem 1rem; margin: 1rem 0; }
.note.look { border-left-color: var(--orange); }
.checks { list-style: none; padding: 0; }
.checks li { margin: .3rem 0; padding-left: 1.7rem; position: relative; }
.checks li > b:first-child { position: absolute; left: 0; }
.good > b:first-child { color: var(--green); }
.look > b:first-child { color: var(--orange); }
.open > b:first-child { color: var(--soft); }
figure { margin: 1rem 0; }
svg { width: 100%; height: auto; display: block; }
.wide svg { min-width: 28rem; }
svg text { fill: var(--ink); font-size: 13px; font-family: inherit; }
svg .label { text-anchor: end; }
svg .legend { font-size: 12px; }
svg .range { stroke: var(--soft); stroke-width: 1.5; }
svg .middle { fill: var(--band); }
svg .median { stroke: var(--ink); stroke-width: 2; }
svg .bar { fill: var(--blue); }
svg .person { fill: var(--blue); stroke: var(--paper); stroke-width: 1.5; }
svg .person.out { fill: var(--orange); }
svg .part0 { fill: var(--part0); } svg .part1 { fill: var(--part1); }
svg .part2 { fill: var(--part2); } svg .part3 { fill: var(--part3); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--edge); vertical-align: top; }
td.n, th.n { text-align: right; }
td.n { white-space: nowrap; }
td.allele { font-family: ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; max-width: 16rem; }
dt { font-weight: 600; margin-top: .8rem; }
dd { margin: 0; max-width: 46rem; }
footer { padding-bottom: 3rem; }
@media print { body { font-size: 10.5pt; background: #fff; color: #000; } .skip { display: none; }
  h2 { break-after: avoid; } figure, table, .note, .cards { break-inside: avoid; } tr { break-inside: avoid; }
  .long { break-inside: auto; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
