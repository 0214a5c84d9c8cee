#include "scrape/image_source.hpp"

#include <algorithm>
#include <array>

#include "core/url.hpp"
#include "scrape/shop_rules.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::string_view desktop_chrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 "
    "Safari/537.36";
// What catwalk decodes comes first, so that a server that can choose sends that.
constexpr std::string_view image_accept = "image/webp,image/png,image/jpeg,image/*;q=0.8,*/*;q=0.5";
// Zara's CDN refuses requests that do not look like those of a page of its shop.
constexpr std::string_view zara_accept = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

constexpr std::array<std::string_view, 13> video_endings{"mp4", "m3u8", "webm", "mov",  "avi", "wmv", "flv",
                                                         "m4v", "mkv",  "mpd",  "mpeg", "ogv", "3gp"};
constexpr std::array<std::string_view, 12> document_endings{"html", "htm", "json", "xml", "txt", "css",
                                                            "js",   "pdf", "zip",  "rar", "doc", "docx"};

/// The address that `relative` means on the page at `base`, without a fragment.
result<std::string> on_page(std::string_view base, std::string_view relative) {
  const auto from = parse_url(base);
  if (from.has_error()) return from.error();
  const auto address = resolve(*from, relative);
  if (address.has_error()) return address.error();
  return address->without_fragment();
}

/// What follows the last dot of the last name on the path of a normalised address, in lower case.
std::string path_ending(std::string_view address) {
  std::string_view path = address.substr(0, address.find('?'));
  const std::size_t name = path.rfind('/');
  if (name != std::string_view::npos) path.remove_prefix(name + 1);
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string() : lower_ascii(path.substr(dot + 1));
}

template <class List>
bool holds(const List& list, const std::string& ending) {
  return std::find(list.begin(), list.end(), ending) != list.end();
}

error not_a_picture(std::string_view raw, std::string why) {
  return error{errc::not_an_image, "cannot use the image address", std::string(raw.substr(0, 120)),
               std::move(why), ""};
}

}  // namespace

fetch_request image_request(const std::string& url, const config::site* site,
                            const config::fetch_settings& settings) {
  fetch_request request;
  request.http.url = url;
  request.http.timeout = settings.images.timeout;
  request.http.max_bytes = settings.images.max_bytes;
  const bool browser = settings.images_user_agent == "browser";
  request.http.headers.set("User-Agent", browser ? std::string(desktop_chrome) : settings.images_user_agent);
  if (is_zara_address(url) || (site && rules_for(*site).zara)) {
    request.http.headers.set("Accept", std::string(zara_accept));
    request.http.headers.set("Referer", "https://www.zara.com/");
    request.http.headers.set("Sec-Fetch-Dest", "image");
    request.http.headers.set("Sec-Fetch-Mode", "no-cors");
    request.http.headers.set("Sec-Fetch-Site", "same-site");
  } else {
    request.http.headers.set("Accept", std::string(image_accept));
  }
  request.respect_robots = settings.robots;
  if (site) {
    request.site = site->name;
    request.respect_robots = site->respect_robots.value_or(settings.robots);
    request.http.proxy = site->proxy_images;
    if (site->image_delay_ms) request.delay = std::chrono::milliseconds(*site->image_delay_ms);
  }
  return request;
}

result<std::string> usable_image_url(std::string_view raw, std::string_view base, int width) {
  const std::string_view written = trimmed(raw);
  if (written.empty()) return not_a_picture(raw, "it is empty");
  const std::string scheme = lower_ascii(written.substr(0, 5));
  if (scheme == "data:")
    return not_a_picture(written.substr(0, 40), "a data: address is a placeholder, not a picture");
  if (scheme == "blob:")
    return not_a_picture(written.substr(0, 40), "a blob: address exists in a browser alone");

  std::string text(written);
  constexpr std::string_view placeholder = "{width}";
  if (const std::size_t at = text.find(placeholder); at != std::string::npos) {
    text.replace(at, placeholder.size(), std::to_string(width));
  }
  if (text.starts_with("//")) text.insert(0, "https:");

  auto address =
      base.empty() || text.find("://") != std::string::npos ? normalised_url(text) : on_page(base, text);
  if (address.has_error()) return address;
  const std::string ending = path_ending(*address);
  if (holds(video_endings, ending)) return not_a_picture(written, "a video");
  if (holds(document_endings, ending)) return not_a_picture(written, "a document");
  return address;
}

}  // namespace catwalk::scrape
