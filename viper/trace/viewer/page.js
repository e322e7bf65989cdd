"use strict";
const {trace, picture} = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("run");
const [image] = trace.images;
const view = new ViperTrace(root, {picture, width: image.width, height: image.height});
view.show(trace);
root.focus({preventScroll: true});
