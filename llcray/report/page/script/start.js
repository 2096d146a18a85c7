// Fills the page, the answer first, and draws it anew when the theme changes and for print.

import { drawAgreement } from "./agreement.js";
import { startControls } from "./controls.js";
import { rowOf } from "./data.js";
import { openDetail } from "./detail.js";
import { drawExplorer } from "./explorer.js";
import { followDataset } from "./live.js";
import { fillCosts, fillFailures, fillHead, fillProvenance, fillTraining } from "./sections.js";
import { showPrinted, startTable } from "./table.js";
import { darkTheme, setPrinting } from "./theme.js";
import { drawVerdicts } from "./verdicts.js";

function draw() {
  drawExplorer();
  drawVerdicts();
  drawAgreement();
}

function start() {
  fillHead();
  fillCosts();
  fillTraining();
  fillFailures();
  fillProvenance();
  startTable();
  startControls();
  // The answer is on the screen before what stands below it is drawn.
  addEventListener("load", () =>
    setTimeout(() => {
      drawVerdicts();
      drawAgreement();
      document.body.dataset.ready = "yes";
      document.body.dataset.complete = Math.round(performance.now());
    }),
  );
  darkTheme.addEventListener("change", draw);
  addEventListener("beforeprint", () => {
    setPrinting(true);
    showPrinted();
    draw();
  });
  addEventListener("afterprint", () => {
    setPrinting(false);
    draw();
  });
  openDetail(rowOf(new URLSearchParams(location.hash.slice(1)).get("run")));
  followDataset();
  document.body.dataset.answered = "yes";
  document.body.dataset.shown = Math.round(performance.now());
}

start();
