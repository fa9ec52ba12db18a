/** Charts: the server sends rows, one small function per kind turns them into a drawing. */
import { BarChart, LineChart, MapChart, PieChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TitleComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import zh from "echarts/i18n/langZH-obj.js";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([
  AriaComponent, BarChart, CanvasRenderer, GridComponent, LabelLayout, LegendComponent, LineChart, MapChart,
  PieChart, TitleComponent, TooltipComponent, VisualMapComponent,
]);
echarts.registerLocale("ZH", zh);

const COLOURS = [
  "#1b5fc1", "#12a594", "#e5a50a", "#d6409f", "#8e4ec6", "#5b6b7f",
  "#5fa3e8", "#0b6e63", "#b26a00", "#e58fc7", "#4c3a94", "#8fbf4d",
];
// What the server may ask for by name: states, and bars that are no value of their own.
const TINTS = {
  missing: "#c5ccd6", rest: "#8ea3bd",
  grey: "#aeb7c3", yellow: "#f2cd5c", amber: "#e0922f", red: "#d9573f", green: "#5fb878", teal: "#12a594", blue: "#1b5fc1",
};
const BLUES = ["#e6effb", "#bdd5f5", "#8db6ec", "#5f97e0"];
const INK = "#1f2937";
const MUTED = "#5b6675";
const LINE = "#e5e9ef";
const NARROW = 420;
const ROOM = 46; // Pixels a name under a bar needs; with less the bars lie down.
const LEGEND = 200; // What name, figure and share of a pie take.
const FONT = getComputedStyle(document.body).fontFamily;
const LOCALE = document.documentElement.lang.startsWith("zh") ? "ZH" : "EN";

const number = (value) => Number(value).toLocaleString("en");
const short = (name) => name.replace(/(区| District)$/, "");

function watch(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) {
    // What lies below the fold is drawn when it comes into sight.
    new IntersectionObserver((entries, watcher) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      draw(figure);
    }, { rootMargin: "200px" }).observe(figure);
  }
}

watch(document);
document.addEventListener("tm:loaded", (event) => watch(event.detail));

async function draw(figure) {
  const canvas = figure.querySelector("[data-canvas]");
  try {
    const data = await read(figure.dataset.chart);
    if (data.rows.length === 0) return say(figure, canvas);
    if (data.kind === "map") await prepareMap(figure.dataset.map, data);
    const chart = start(canvas, data);
    figure.querySelector("[data-picture]")?.addEventListener("click", (event) => save(chart, data, event.currentTarget));
  } catch {
    say(figure, canvas);
  }
}

async function read(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.json();
}

function say(figure, canvas) {
  canvas.textContent = figure.dataset.missing;
  canvas.classList.add("tm-canvas-empty");
  figure.querySelector("[data-picture]")?.remove();
}

function start(canvas, data) {
  if (lies(data, canvas.clientWidth)) canvas.style.height = `${Math.max(160, data.rows.length * 30 + (data.series.length ? 64 : 24))}px`;
  const chart = echarts.init(canvas, null, { locale: LOCALE });
  const paint = () => chart.setOption({ ...common(data), ...kinds[data.kind](data, canvas.clientWidth) }, true);
  paint();
  const size = () => `${canvas.clientWidth}x${canvas.clientHeight}`;
  let drawn = size();
  new ResizeObserver(() => {
    if (size() === drawn) return;
    drawn = size();
    chart.resize();
    paint();
  }).observe(canvas);
  chart.on("click", ({ data: item }) => {
    if (item?.href) location.assign(item.href);
  });
  return chart;
}

function common(data) {
  return {
    color: COLOURS,
    textStyle: { fontFamily: FONT, color: INK },
    animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300,
    aria: { enabled: true, label: { description: `${data.title} ${data.label} ${data.measure}` } },
    // HTML tooltips carry style attributes, which the content security policy refuses.
    tooltip: { trigger: "item", renderMode: "richText", confine: true, formatter: tip(data) },
  };
}

function tip(data) {
  return ({ data: item, name, seriesName, value }) => {
    const first = item?.label_ ?? name;
    const part = data.series.length ? `${seriesName} ` : "";
    return `${first}\n${part}${number(item?.value ?? value ?? 0)}  ${data.measure}`;
  };
}

/** Whether the bars lie: always, or because the names under standing ones would have no room. */
const lies = (data, width) => data.kind === "hbar" || (["bar", "stacked"].includes(data.kind) && width / data.rows.length < ROOM);
const tinted = (tint) => (TINTS[tint] ? { itemStyle: { color: TINTS[tint] } } : {});
const point = (row) => ({ name: row.label, value: row.value, href: row.href, cursor: row.href ? "pointer" : "default", ...tinted(row.tint) });
const names = { type: "category", axisTick: { show: false }, axisLine: { lineStyle: { color: LINE } } };
const values = {
  type: "value",
  minInterval: 1,
  splitNumber: 4,
  axisLabel: { color: MUTED, formatter: number },
  splitLine: { lineStyle: { color: LINE } },
};
const grid = { left: 8, right: 16, top: 16, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };

function bar(data, width) {
  if (lies(data, width)) return hbar(data, width);
  return {
    grid,
    xAxis: { ...names, data: data.rows.map((row) => row.label), axisLabel: { color: MUTED, interval: 0, width: 60, overflow: "break" } },
    yAxis: values,
    series: [{ type: "bar", data: data.rows.map(point), barMaxWidth: 36, itemStyle: { borderRadius: [3, 3, 0, 0] } }],
  };
}

function hbar(data, width) {
  return {
    grid: { ...grid, right: 56 },
    xAxis: { ...values, show: false },
    yAxis: { ...names, inverse: true, data: data.rows.map((row) => row.label), axisLine: { show: false }, axisLabel: { color: INK, width: Math.min(280, width * 0.3), overflow: "truncate" } },
    series: [{
      type: "bar",
      data: data.rows.map(point),
      barMaxWidth: 18,
      itemStyle: { borderRadius: [0, 3, 3, 0] },
      label: { show: true, position: "right", color: MUTED, formatter: ({ value }) => number(value) },
    }],
  };
}

function line(data) {
  const series = data.series.length ? data.series : [data.measure];
  return {
    grid: { ...grid, top: data.series.length ? 40 : 16 },
    legend: data.series.length ? { top: 0, left: 8, icon: "roundRect", itemWidth: 12, itemHeight: 8 } : undefined,
    xAxis: { ...names, data: data.rows.map((row) => row.label), boundaryGap: false, axisLabel: { color: MUTED, hideOverlap: true } },
    yAxis: values,
    series: series.map((name, i) => ({
      name,
      type: "line",
      symbolSize: 7,
      lineStyle: { width: 2.5 },
      data: data.rows.map((row) => (data.series.length ? { ...row.parts[i], name: row.label } : point(row))),
    })),
  };
}

function stacked(data, width) {
  const lying = lies(data, width);
  const labels = { ...names, data: data.rows.map((row) => row.label), inverse: lying, axisLabel: { color: MUTED, interval: 0, width: lying ? Math.min(220, width * 0.3) : 60, overflow: lying ? "truncate" : "break" } };
  return {
    grid: { ...grid, top: 40 },
    legend: { type: "scroll", top: 0, left: 8, right: 8, icon: "roundRect", itemWidth: 12, itemHeight: 8 },
    xAxis: lying ? values : labels,
    yAxis: lying ? labels : values,
    series: data.series.map((name, i) => ({
      name,
      type: "bar",
      stack: "all",
      barMaxWidth: 36,
      ...tinted(data.tints?.[i]),
      data: data.rows.map((row) => ({ ...row.parts[i], name: row.label })),
    })),
  };
}

/** The ring, the total in it, and the legend close by: beside it, or below on a narrow card. */
function pie(data, width) {
  const narrow = width < NARROW;
  const total = data.rows.reduce((sum, row) => sum + row.value, 0);
  const radius = Math.min(108, Math.round(width * 0.22));
  const start = Math.max(8, (width - 2 * radius - LEGEND) / 2); // Ring and legend together in the middle.
  const ring = narrow ? ["50%", "38%"] : [start + radius, "50%"];
  const legend = narrow
    ? { orient: "horizontal", left: "center", bottom: 0 }
    : { orient: "vertical", left: start + 2 * radius + 24, top: "middle" };
  return {
    title: {
      text: number(total),
      subtext: data.measure,
      left: ring[0],
      top: narrow ? "31%" : "42%",
      textAlign: "center",
      itemGap: 4,
      textStyle: { fontSize: 20, fontWeight: 600, color: "#0f2a4d", fontFamily: FONT },
      subtextStyle: { fontSize: 12, color: MUTED, fontFamily: FONT },
    },
    legend: {
      ...legend,
      icon: "circle",
      itemWidth: 10,
      itemGap: narrow ? 8 : 12,
      formatter: (name) => share(data, name, total),
      textStyle: { color: INK, rich: { name: narrow ? {} : { width: 64 }, value: { color: MUTED } } },
    },
    series: [{
      type: "pie",
      radius: narrow ? ["38%", "60%"] : [radius * 0.66, radius],
      center: ring,
      label: { show: false },
      itemStyle: { borderColor: "#fff", borderWidth: 2 },
      data: data.rows.map(point),
    }],
  };
}

function share(data, name, total) {
  const row = data.rows.find((each) => each.label === name);
  const percent = total ? ((row.value / total) * 100).toFixed(1) : "0";
  return `{name|${name}}{value|  ${number(row.value)}  ${percent}%}`;
}

const outlines = { names: new Map() };

async function prepareMap(address) {
  if (echarts.getMap("beijing")) return;
  const shapes = await read(address);
  for (const { properties } of shapes.features) outlines.names.set(properties.code, properties.name);
  echarts.registerMap("beijing", shapes);
}

function map(data, width) {
  const rows = data.rows.filter((row) => outlines.names.has(row.code));
  const labels = new Map(rows.map((row) => [row.code, row.label]));
  const figures = rows.map((row) => row.value);
  const most = Math.max(1, ...figures);
  const least = figures.length > 1 ? Math.min(...figures) : 0;
  return {
    visualMap: {
      type: "continuous",
      show: width >= NARROW + 80, // On a phone the table beside it tells the figures.
      min: least,
      max: Math.max(most, least + 1),
      left: 8,
      bottom: 8,
      itemWidth: 10,
      itemHeight: 84,
      text: [number(most), number(least)],
      textStyle: { color: MUTED },
      inRange: { color: BLUES },
    },
    series: [{
      type: "map",
      map: "beijing",
      nameProperty: "code",
      selectedMode: false,
      top: 8,
      bottom: 8,
      label: { show: true, fontSize: 11, color: "#10233f", formatter: ({ name }) => short(labels.get(name) ?? outlines.names.get(name) ?? name) },
      labelLayout: { hideOverlap: true },
      itemStyle: { borderColor: "#fff", borderWidth: 1, areaColor: "#f1f4f8" },
      emphasis: { itemStyle: { areaColor: "#f3c969" }, label: { color: "#10233f" } },
      data: rows.map((row) => ({ name: row.code, label_: row.label, value: row.value, href: row.href })),
    }],
  };
}

const kinds = { bar, hbar, line, map, pie, stacked };

function save(chart, data, button) {
  const link = document.createElement("a");
  link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: "#fff" });
  link.download = button.dataset.picture || `${data.title}.png`;
  link.click();
}
