"""How the page looks: light and dark, on a phone, on paper. No font, picture or script is fetched."""

LIGHT = """--paper: #fff; --panel: #f6f7f9; --ink: #1c2024; --quiet: #5b6470; --line: #dfe3e8; --accent: #0b5cad;
--box: #cfe0f2; --point: #0b5cad; --leak: #a11222; --leak-paper: #fdecee; --warning: #7a4b00; --warning-paper: #fff5e0;
--s0: #0072b2; --s1: #c05000; --s2: #00795a; --s3: #a8518a; --s4: #8a6d00; --s5: #2b8cc4; --s6: #b34700;"""

DARK = """--paper: #14171a; --panel: #1d2125; --ink: #e6e8ea; --quiet: #a3acb7; --line: #343a41; --accent: #7cb8f2;
--box: #26405c; --point: #8cc2f5; --leak: #ff9aa5; --leak-paper: #3a1a1f; --warning: #f2c46d; --warning-paper: #35290f;
--s0: #6db7ee; --s1: #f09a5c; --s2: #4cc9a0; --s3: #e39bc8; --s4: #e0c04a; --s5: #9ad0f5; --s6: #ffb58a;"""

TEXT = """
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px }
header { padding-top: 26px }
footer { padding: 22px 20px 34px; color: var(--quiet); font-size: 13px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere }
h2 { font-size: 19px; margin: 0 0 12px }
h3 { font-size: 15px; margin: 18px 0 6px; overflow-wrap: anywhere }
p { margin: 6px 0; max-width: 80ch; overflow-wrap: anywhere }
a { color: var(--accent) }
.quiet, small { color: var(--quiet) }
small { font-size: 13px }
section { border-top: 1px solid var(--line); padding: 22px 0 18px }
nav { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 14px 0; font-size: 14px }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; margin: 4px 0 12px;
  font-size: 13px; overflow-x: auto }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere }
details { margin: 12px 0 }
summary { cursor: pointer; color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.alert { border-left: 4px solid var(--warning); background: var(--warning-paper); padding: 8px 14px; margin: 10px 0;
  max-width: none }
.alert b { color: var(--warning) }
.leak { border-color: var(--leak); background: var(--leak-paper) }
.leak b { color: var(--leak) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 10px; margin: 16px 0 20px; padding: 0 }
.tiles li { list-style: none; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px }
.tiles b { display: block; font-size: 20px; line-height: 1.25; font-variant-numeric: tabular-nums }
.tiles span { color: var(--quiet); font-size: 13px }
.facts { columns: 2 420px; column-gap: 28px; margin: 0 0 18px }
.facts div { display: grid; grid-template-columns: 132px 1fr; gap: 10px; padding: 5px 0; border-bottom: 1px solid var(--line);
  break-inside: avoid }
.facts dt { color: var(--quiet) }
.facts dd { margin: 0; overflow-wrap: anywhere }
"""

TABLES = """
.scroll { overflow-x: auto; margin: 4px 0 12px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px }
caption { text-align: left; color: var(--quiet); font-size: 13px; padding-bottom: 4px }
th, td { text-align: left; vertical-align: top; padding: 5px 18px 5px 0; border-bottom: 1px solid var(--line) }
thead th { border-bottom: 2px solid var(--line); font-weight: 600; white-space: nowrap }
tbody th { font-weight: 500 }
tbody td:last-child:not(.number) { min-width: 13em }
.number { text-align: right; white-space: nowrap }
.sum th, .sum td { font-weight: 700; border-top: 2px solid var(--line) }
"""

DRAWINGS = """
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(270px, 100%), 1fr)); gap: 22px 26px }
figure { margin: 0; break-inside: avoid; min-width: 0 }
figcaption { font-size: 14px; margin-bottom: 4px }
svg { display: block; width: 100%; height: auto }
svg text { font-size: 12px; fill: var(--quiet) }
.grid { stroke: var(--line) }
.lead { --c: var(--ink) } .s0 { --c: var(--s0) } .s1 { --c: var(--s1) } .s2 { --c: var(--s2) } .s3 { --c: var(--s3) }
.s4 { --c: var(--s4) } .s5 { --c: var(--s5) } .s6 { --c: var(--s6) }
.curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round }
.dot { fill: var(--c); stroke: transparent; stroke-width: 9 }
.hidden { fill-opacity: 0 }
.dot:hover { fill-opacity: 1; stroke: var(--c); stroke-width: 3 }
.best { fill: none; stroke: var(--ink); stroke-width: 1.5 }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 6px 0 0; padding: 0; font-size: 13px }
.legend li { display: flex; align-items: center; gap: 6px }
.key { width: 28px; flex: none }
.box { fill: var(--box); stroke: var(--quiet) }
.whisker { stroke: var(--quiet); fill: none }
.median { stroke: var(--ink); stroke-width: 3 }
.point { fill: var(--point); fill-opacity: .65; stroke: transparent; stroke-width: 6 }
.point:hover { fill-opacity: 1; stroke: var(--ink); stroke-width: 2 }
svg .name { fill: var(--ink); font-weight: 600; font-size: 13px }
"""

PICTURES = """
.swatch { width: 18px; height: 18px; border-radius: 4px; flex: none; color: #000; font: 700 12px/18px sans-serif;
  text-align: center; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.case { break-inside: avoid }
.case p { max-width: none }
.slices { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin-bottom: 10px }
.slices figure { max-width: 440px }
.slices figcaption { color: var(--quiet); font-size: 13px }
.slices svg { border-radius: 4px; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.casing { fill: none; stroke: #000; stroke-opacity: .75; stroke-width: 4.5 }
.outline { fill: none; stroke-width: 2.2 }
svg .mark { font-size: 14px; font-weight: 700; text-anchor: middle; paint-order: stroke; stroke: #000; stroke-width: 3 }
"""

PHONE = """@media (max-width: 560px) {
header, main, footer { padding-left: 14px; padding-right: 14px }
h1 { font-size: 22px }
th, td { padding-right: 12px }
.facts div { grid-template-columns: 1fr; gap: 0 }
.tiles { grid-template-columns: repeat(2, 1fr) } }
"""

PAPER = """@media print {
body { font-size: 11pt }
header, main, footer { max-width: none; padding-left: 0; padding-right: 0 }
nav { display: none }
h2, h3 { break-after: avoid }
section { padding: 12px 0 }
pre { white-space: pre-wrap }
tr, .alert, .tiles li { break-inside: avoid }
.scroll { overflow: visible }
.tiles { grid-template-columns: repeat(6, 1fr) }
.tiles b { font-size: 12pt }
.figures { grid-template-columns: repeat(2, 1fr) }
.slices { grid-template-columns: repeat(3, 1fr) } }
"""

STYLE = (f':root {{ color-scheme: light dark; {LIGHT} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}\n'
         f'{TEXT}{TABLES}{DRAWINGS}{PICTURES}{PHONE}{PAPER}')
