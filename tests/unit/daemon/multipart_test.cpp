#include "daemon/multipart.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

namespace {
const std::string type = "multipart/form-data; boundary=XY";
}

TEST_CASE("a form's parts come out byte for byte") {
  std::string bytes("\xff\xd8 a\r\n--X\r\nb\0--", 16);
  const auto body =
      "preamble\r\n--XY\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a;\\\"b.jpg\"\r\n"
      "content-type: image/jpeg\r\n\r\n" +
      bytes +
      "\r\n--XY  \r\ncontent-disposition: form-data; name=exif\r\n\r\ntrue\r\n--XY\r\n"
      "Content-Disposition: form-data; name=\"\"\r\n\r\n\r\n--XY--\r\nepilogue";
  const auto parts = parse_multipart(type, body);
  REQUIRE(parts);
  REQUIRE(parts->size() == 3);
  CHECK((*parts)[0].name == "image");
  CHECK((*parts)[0].file_name == "a;\"b.jpg");
  CHECK((*parts)[0].content_type == "image/jpeg");
  CHECK((*parts)[0].content == bytes);
  CHECK((*parts)[1].name == "exif");
  CHECK((*parts)[1].content == "true");
  CHECK((*parts)[2].content.empty());
}

TEST_CASE("a form that breaks off anywhere is an error, never half a form") {
  const std::string body = "--XY\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--XY--";
  REQUIRE(parse_multipart(type, body));
  for (std::size_t length = 0; length < body.size(); ++length) {
    INFO(length);
    // Of the closing "--" alone both dashes are needed.
    CHECK_FALSE(parse_multipart(type, body.substr(0, length)));
  }
}

TEST_CASE("what is no form is an error with the reason") {
  const auto why = [](std::string_view content_type, std::string_view body) {
    const auto parts = parse_multipart(content_type, body);
    REQUIRE_FALSE(parts);
    CHECK(parts.error().code == errc::malformed);
    return parts.error().why;
  };
  CHECK(why("multipart/form-data", "--XY") == "it has no boundary");
  CHECK(why("multipart/form-data; boundary=" + std::string(71, 'x'), "") == "it has no boundary");
  CHECK(why(type, "--AB\r\n") == "its boundary is not in the body");
  CHECK(why(type, "--XY\r\nX: y\r\n\r\n\r\n--XY--") == "a part without Content-Disposition");
  CHECK(why(type, "--XY\r\nnonsense\r\n\r\n\r\n--XY--") == "a header without a colon");
  CHECK(why(type, "--XY\r\n" + std::string(9000, 'x') + "\r\n\r\n\r\n--XY--") ==
        "a part's headers do not end");
  std::string many;
  for (int i = 0; i < 65; ++i) many += "--XY\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  CHECK(why(type, many + "--XY--").find("64") != std::string::npos);
}

TEST_CASE("a header's parameters are found without case and outside of quotes alone") {
  CHECK(header_parameter("a/b; Boundary=\"x; y=z\"; q=1", "boundary") == "x; y=z");
  CHECK(header_parameter("a/b; x=\"; boundary=no\"; boundary = yes", "boundary") == "yes");
  CHECK(header_parameter("boundary=no", "boundary").empty());
  CHECK(header_parameter("a/b; boundary", "boundary").empty());
}
