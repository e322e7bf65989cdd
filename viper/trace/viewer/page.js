"use strict";
const {trace, picture} = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("run");
const view = new ViperTrace(root, {picture, width: trace.image.width, height: trace.image.height});
view.show(trace);
root.focus({preventScroll: true});
