// Buttons that save a figure as drawn: SVG and PNG by the plotting library, CSV as it came.
let library;

function plotly(url) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { library = undefined; reject(new Error("no library")); };
    document.head.append(script);
  });
  return library;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function bytes(url) {
  const [head, body] = [url.slice(0, url.indexOf(",")), url.slice(url.indexOf(",") + 1)];
  if (!head.endsWith(";base64")) return new Blob([decodeURIComponent(body)], { type: "image/svg+xml" });
  return new Blob([Uint8Array.from(atob(body), (c) => c.charCodeAt(0))], { type: head.slice(5, -7) });
}

async function picture(data, format) {
  const Plotly = await plotly(data.library);
  const figure = JSON.parse(data.figure);
  const size = { width: data.width, height: data.height };
  const url = await Plotly.toImage(figure, { format, ...size, scale: format === "png" ? 3 : 1 });
  save(bytes(url), `${data.name}.${format}`);
}

export default function ({ data, parentElement }) {
  const status = parentElement.querySelector("output");
  for (const button of parentElement.querySelectorAll("button")) {
    const format = button.dataset.format;
    button.setAttribute("aria-label", `Save ${data.title} as ${format.toUpperCase()}`);
    button.onclick = async () => {
      button.disabled = true;
      status.textContent = "";
      try {
        if (format === "csv") save(new Blob([data.csv], { type: "text/csv" }), `${data.name}.csv`);
        else await picture(data, format);
      } catch {
        status.textContent = "The picture could not be made. Reload the page and try again.";
      }
      button.disabled = false;
    };
  }
}
