"use strict";
const box = document.querySelector(".search");
const field = box.querySelector("input");
const said = box.querySelector("output");
const parts = [...document.querySelectorAll("[data-name]")];
box.hidden = false;
field.addEventListener("input", () => {
  const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const part of parts) {
    const text = (part.dataset.name + " " + part.textContent).toLowerCase();
    part.hidden = !words.every((word) => text.includes(word));
    shown += part.hidden ? 0 : 1;
  }
  said.textContent = words.length ? shown + " of " + parts.length : "";
});
