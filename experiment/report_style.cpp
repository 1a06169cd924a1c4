#include "meltquench/experiment/report_sections.h"

namespace mq::report {

std::string style_sheet() {
  return R"css(
:root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--ink:#191c20;--muted:#59626d;--rule:#e1e4e8;--accent:#0b62a8;
--series-1:#0072b2;--series-2:#d55e00;--series-3:#009e73;--series-4:#b8558e;--series-5:#b87f00;--series-6:#3a97cf;--series-7:#6f6f6f}
@media screen and (prefers-color-scheme:dark){:root{--page:#121519;--card:#1b2026;--ink:#e6e9ed;--muted:#9ba5b1;--rule:#2c333b;
--accent:#6db3f2;--series-1:#57aee8;--series-2:#f58b4c;--series-3:#3cc79b;--series-4:#e59cc7;--series-5:#f0bb45;--series-6:#9bd6f8;--series-7:#a9a9a9}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:72px 40px 96px}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:3px}
.brand{margin:0 0 14px;color:var(--muted);font-size:13px;letter-spacing:.02em}
.brand b{color:var(--accent);font-weight:650;letter-spacing:.08em;text-transform:uppercase;margin-right:10px}
h1{margin:0;font-size:40px;line-height:1.15;font-weight:680;letter-spacing:-.02em;text-wrap:balance;overflow-wrap:anywhere}
.lead{max-width:46em;margin:20px 0 0;font-size:18px;line-height:1.6;color:var(--muted)}
nav{display:flex;flex-wrap:wrap;gap:4px 26px;margin:32px 0 0;padding:14px 0;border-block:1px solid var(--rule);font-size:14px}
nav a{text-decoration:none;white-space:nowrap}
nav a:hover{text-decoration:underline}
section{margin-top:64px}
h2{margin:0 0 20px;font-size:24px;line-height:1.25;font-weight:650;letter-spacing:-.01em}
h3{margin:0 0 12px;font-size:15px;font-weight:620}
h4{margin:0 0 10px;font-size:15px;font-weight:620}
p{margin:0}
figure{margin:0}
figcaption,.note{max-width:56em;margin-top:16px;font-size:14px;line-height:1.55;color:var(--muted)}
.faint{opacity:.85}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:20px;margin-top:40px}
.card{padding:24px 28px;border-radius:12px;background:var(--card);break-inside:avoid}
.name{display:flex;align-items:center;gap:10px;font-size:15px;font-weight:620;overflow-wrap:anywhere}
.name i{flex:none;width:11px;height:11px;border-radius:50%}
.figure{margin:10px 0 2px;font-size:46px;line-height:1.15;font-weight:680;letter-spacing:-.025em;font-variant-numeric:tabular-nums}
.figure small{font-size:20px;font-weight:450;letter-spacing:0;color:var(--muted)}
.when{font-size:14px;color:var(--muted)}
.card dl{display:flex;gap:32px;margin:18px 0 0;padding-top:16px;border-top:1px solid var(--rule)}
.card dt{font-size:13px;color:var(--muted)}
.card dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.panels{display:grid;gap:32px}
.panels-2{grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr))}
.panel{min-width:0;break-inside:avoid}
.panel svg{display:block;width:100%;height:auto;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:14px;line-height:1.45;font-variant-numeric:tabular-nums}
th,td{padding:7px 18px 7px 0;text-align:left;vertical-align:baseline;font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{padding-bottom:10px;border-bottom:1.5px solid var(--ink);color:var(--muted);font-size:13px;white-space:nowrap}
tbody tr{border-bottom:1px solid var(--rule)}
tbody tr:has(+.group){border-bottom-color:var(--muted)}
.n{text-align:right}
.time{white-space:nowrap}
.mean{font-weight:620;white-space:nowrap}
tbody th{white-space:nowrap}
tbody tr.group th{font-weight:620}
.again{color:transparent}
.facts{table-layout:auto}
.facts th{width:1%;padding-right:40px;white-space:nowrap;color:var(--muted)}
.facts td{overflow-wrap:anywhere}
.counters{width:auto;min-width:min(100%,640px)}
.counters td:last-child{padding-left:22px;color:var(--muted)}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(250px,100%),1fr));gap:36px 32px;align-items:start}
.map{break-inside:avoid;min-width:0}
.frame{display:flex;align-items:stretch;gap:8px}
.frame img{display:block;flex:1;min-width:0;width:100%;height:auto;image-rendering:pixelated;border-radius:3px}
.side{flex:none;align-self:center;writing-mode:vertical-rl;transform:rotate(180deg);font-size:12px;color:var(--muted)}
.under{margin-top:6px;padding-left:26px;text-align:center;font-size:12px;line-height:1.4;color:var(--muted)}
.map h4{padding-left:26px}
.map figcaption{margin-top:10px;padding-left:26px}
.bar{margin:24px 0 40px;padding-left:2px}
.bar .note{margin-top:6px;padding-left:24px}
.bar:last-child{margin-bottom:0}
.bar svg{display:block;max-width:100%;height:auto}
pre{margin:0;padding:24px 28px;max-height:560px;overflow:auto;border-radius:12px;background:var(--card);
font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;tab-size:2}
code{font:.93em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
footer{margin-top:72px;padding-top:18px;border-top:1px solid var(--rule);font-size:13px;color:var(--muted)}
@media (max-width:640px){main{padding:40px 20px 64px}h1{font-size:30px}.figure{font-size:38px}section{margin-top:48px}}
@media print{@page{margin:16mm}body{font-size:11pt}main{max-width:none;padding:0}nav{display:none}section{margin-top:28pt}
h2,h3,h4{break-after:avoid}tr{break-inside:avoid}table{font-size:8.5pt}th,td{padding-right:8px}.panels-2{grid-template-columns:1fr 1fr;gap:16px}
.maps{grid-template-columns:repeat(3,1fr);gap:12px}.map figcaption{font-size:8.5pt}
pre{max-height:none;font-size:8.5pt;white-space:pre-wrap}.card,pre{border:1px solid var(--rule)}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";
}

}  // namespace mq::report
