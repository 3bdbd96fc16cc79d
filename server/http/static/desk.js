// Fetches the live piece of a desk page anew when the server says that something changed.
const board = document.getElementById("board");
if (board && board.dataset.live && "EventSource" in window) {
  const refresh = async () => {
    const answer = await fetch(board.dataset.piece, { credentials: "same-origin" });
    if (answer.redirected) return location.reload();
    if (answer.ok) board.innerHTML = await answer.text();
  };
  const events = new EventSource(board.dataset.live);
  events.addEventListener("changed", refresh);
}
