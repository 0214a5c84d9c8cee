#include "scrape/block_page.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::scrape;

namespace {

http_response answer(int status, std::string body, http_headers headers = {}) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

}  // namespace

TEST_CASE("block and challenge pages are recognised, whatever their status") {
  CHECK(recognise_block_page(
            answer(403, "<HTML><TITLE>Access Denied</TITLE>Reference&#32;&#35;18&#46;ab12&#46;34")) ==
        "an Akamai block page, reference 18.ab12.34");
  CHECK(recognise_block_page(
            answer(200, "<html><meta http-equiv=\"refresh\" content=\"5; URL='/?bm-verify=AAQ'\">")) ==
        "an Akamai challenge");
  CHECK(recognise_block_page(answer(503, "<html><head><title>Just a moment...</title>")) ==
        "a Cloudflare challenge");
  CHECK(recognise_block_page(answer(403, "", {{"CF-Mitigated", "challenge"}})) == "a Cloudflare challenge");
  CHECK(recognise_block_page(answer(202, "", {{"x-amzn-waf-action", "captcha"}})) == "an AWS WAF captcha");
  CHECK(recognise_block_page(answer(403, R"({"url":"https://geo.captcha-delivery.com/captcha/?x"})")) ==
        "a DataDome challenge");
}

TEST_CASE("ordinary pages and data are not block pages") {
  CHECK_FALSE(recognise_block_page(answer(200, R"({"products":[],"note":"Access Denied Reference #1"})")));
  CHECK_FALSE(
      recognise_block_page(answer(200, "<html><script src=\"https://js.datadome.co/tags.js\"></script>")));
  CHECK_FALSE(recognise_block_page(answer(200, "\xFF\xD8\xFF\xE0 binary")));
  CHECK_FALSE(recognise_block_page(answer(404, "<html>not found</html>")));
  CHECK_FALSE(recognise_block_page(
      answer(200, "<html>Access Denied errors.edgesuite.net" + std::string(300'000, ' '))));
}
