// Numbers, times and sizes as people read them.

const whole = new Intl.NumberFormat("en-GB");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const day_of_year = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const complete = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** 1234 -> "1,234"; nothing -> "–". */
export function count(number) {
  return Number.isFinite(number) ? whole.format(number) : "–";
}

/** count(1, "row") -> "1 row", 2 -> "2 rows". */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** The share in whole per cent; 100 only where nothing is missing. */
export function percent(part, all) {
  if (!(all > 0)) return "–";
  if (part >= all) return "100 %";
  return `${Math.min(99, Math.round((part / all) * 100))} %`;
}

/** Seconds as "4.2 s", "3 min 5 s", "2 h 10 min", "3 d 4 h". */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Math.max(0, Math.round(seconds * 10) / 10)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

function two(large, large_unit, small, small_unit) {
  return small > 0 ? `${large} ${large_unit} ${small} ${small_unit}` : `${large} ${large_unit}`;
}

/** Bytes as "1.2 MB". */
export function bytes(number) {
  if (!Number.isFinite(number)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    ++unit;
  }
  return `${number < 10 && unit > 0 ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

/** "just now", "4 min ago", "in 2 h"; older than a week the date. */
export function relative(when, now = Date.now()) {
  const seconds = Math.round((now - when.getTime()) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 5) return "just now";
  let words;
  if (distance < 60) words = `${distance} s`;
  else if (distance < 3600) words = `${Math.floor(distance / 60)} min`;
  else if (distance < 86400) words = `${Math.floor(distance / 3600)} h`;
  else if (distance < 7 * 86400) words = `${Math.floor(distance / 86400)} d`;
  else return date(when, now);
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

/** "14:05" today, "27 Nov, 14:05" else. */
export function moment(when, now = Date.now()) {
  const today = new Date(now);
  return when.toDateString() === today.toDateString() ? clock.format(when) : `${date(when, now)}, ${clock.format(when)}`;
}

/** "27 Nov", with the year where it is another one. */
export function date(when, now = Date.now()) {
  return (when.getFullYear() === new Date(now).getFullYear() ? day : day_of_year).format(when);
}

/** Everything about a moment, for a tooltip. */
export function full_moment(when) {
  return complete.format(when);
}
