"use strict";
{
  const one = (selector) => document.querySelector(selector);
  const cases = [...document.querySelectorAll(".case")];
  const groups = [...document.querySelectorAll(".group")];
  const [filter, outcome, count] = [one("#filter"), one("#outcome"), one("#count")];

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = [];
    for (const item of cases) {
      const { state, words: text } = item.dataset;
      const fits = words.every((word) => text.includes(word)) &&
        (!outcome.value || outcome.value === state);
      item.hidden = !fits;
      if (fits) shown.push(item);
    }
    for (const group of groups) group.hidden = !group.querySelector(".case:not([hidden])");
    count.textContent = `${shown.length} of ${cases.length} cases`;
    return shown;
  };

  // "#filter=blob" shows those cases, and opens the case if it is only one. "#case-…" opens that case.
  const follow = () => {
    const target = decodeURIComponent(location.hash.slice(1));
    if (target.startsWith("filter=")) {
      filter.value = target.slice("filter=".length);
      const shown = show();
      if (shown.length === 1) shown[0].open = true;
    }
    const item = document.getElementById(target);
    if (item?.classList.contains("case")) {
      if (item.hidden || item.closest("[hidden]")) {
        filter.value = outcome.value = "";
        show();
      }
      item.open = true;
      item.scrollIntoView();
    }
  };

  filter.addEventListener("input", show);
  outcome.addEventListener("change", show);
  for (const [id, open] of [["#open", true], ["#close", false]])
    one(id).addEventListener("click", () => {
      for (const item of cases) if (!item.hidden) item.open = open;
    });
  one(".tools").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter) {
      event.preventDefault();
      filter.focus();
    } else if (event.key === "Escape" && document.activeElement === filter) {
      filter.value = "";
      show();
    }
  });
  window.addEventListener("hashchange", follow);
  one(".tools").hidden = false;
  show();
  follow();
}
