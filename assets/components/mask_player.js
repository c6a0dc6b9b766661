// Pictures of one mask by level, with a slider and a play button; all in the browser, so it is instant.
const STEP_MS = 700;

function show(root) {
  const { frames, at } = root.player;
  const frame = frames[at];
  const image = root.querySelector("img");
  if (image.src !== frame.src) image.src = frame.src;
  image.alt = `${frame.title}. ${frame.caption}`;
  const slider = root.querySelector("input");
  slider.max = frames.length - 1;
  slider.value = at;
  slider.setAttribute("aria-valuetext", frame.title);
  const title = document.createElement("b");
  title.textContent = frame.title;
  root.querySelector("figcaption").replaceChildren(title, frame.caption);
}

function stop(root) {
  clearInterval(root.player.timer);
  root.player.timer = undefined;
  const button = root.querySelector("button");
  button.textContent = "\u25B6";
  button.setAttribute("aria-label", "Play the levels one after the other");
}

function play(root) {
  const { player } = root;
  player.follow = false;
  if (player.at === player.frames.length - 1) player.at = 0;
  const button = root.querySelector("button");
  button.textContent = "\u275A\u275A";
  button.setAttribute("aria-label", "Stop at this level");
  show(root);
  player.timer = setInterval(() => {
    player.at += 1;
    show(root);
    if (player.at >= player.frames.length - 1) stop(root);
  }, STEP_MS);
}

export default function ({ data, parentElement: root }) {
  const player = (root.player ??= { at: 0, follow: true });
  player.frames = data.frames;
  if (player.follow || player.at >= data.frames.length) player.at = data.frames.length - 1;
  show(root);
  root.querySelector("input").oninput = (event) => {
    stop(root);
    player.at = Number(event.target.value);
    player.follow = player.at === player.frames.length - 1;
    show(root);
  };
  root.querySelector("button").onclick = () => (player.timer ? stop(root) : play(root));
  return () => clearInterval(player.timer);
}
