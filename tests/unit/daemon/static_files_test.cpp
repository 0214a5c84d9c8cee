#include "daemon/static_files.hpp"

#include <zlib.h>

#include "tests/support/catch.hpp"

using namespace catwalk::daemon;

TEST_CASE("a type for every kind of file that a page loads") {
  CHECK(content_type_of("web/index.html") == "text/html; charset=utf-8");
  CHECK(content_type_of("web/pages/runs.js") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("web/shell.css") == "text/css; charset=utf-8");
  CHECK(content_type_of("web/icon.svg") == "image/svg+xml");
  CHECK(content_type_of("web/strange") == "application/octet-stream");
}

TEST_CASE("If-None-Match is a list, compared weakly") {
  CHECK(names_tag("\"a\"", "\"a\""));
  CHECK(names_tag("W/\"a\"", "\"a\""));
  CHECK(names_tag("\"b\", \"a\"", "\"a\""));
  CHECK(names_tag("*", "\"a\""));
  CHECK_FALSE(names_tag("\"ab\"", "\"a\""));
  CHECK_FALSE(names_tag("", "\"a\""));
}

TEST_CASE("gzip is sent to those who take it") {
  for (const auto* yes : {"gzip", "GZIP", "br, gzip", "deflate, gzip;q=0.5", "*", "identity, *;q=0.1"}) {
    INFO(yes);
    CHECK(accepts_gzip(yes));
  }
  for (const auto* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "*, gzip;q=0", "not-gzip"}) {
    INFO(no);
    CHECK_FALSE(accepts_gzip(no));
  }
}

TEST_CASE("a file that is zipped can be unzipped") {
  const std::string text(10'000, 'x');
  const auto zipped = gzip(text);
  CHECK(zipped.size() < 100);
  std::string out(text.size(), '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zipped.data()));
  stream.avail_in = static_cast<uInt>(zipped.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  inflateEnd(&stream);
  CHECK(out == text);
}

TEST_CASE("the executable holds the page and the description of the API") {
  bool page = false, api = false;
  for (const auto& file : embedded_files()) {
    page = page || (file.path == "web/index.html" && file.bytes.starts_with("<!"));
    api = api || (file.path == "openapi.json" && file.bytes.starts_with("{") && file.bytes.ends_with("}\n"));
  }
  CHECK(page);
  CHECK(api);
}
