#include "scrape/json_document.hpp"

#include "scrape/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::scrape;

TEST_CASE("a document is read as it was sent") {
  const auto read = parse_json_document("\xEF\xBB\xBF{\"a\":[1,-2,3.5,true,null,\"x\"],\"b\":{}}", "here");
  REQUIRE(read);
  CHECK(*read == nlohmann::json::parse(R"({"a":[1,-2,3.5,true,null,"x"],"b":{}})"));
}

TEST_CASE("nesting is limited before it costs anything") {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json_document(nested(512), "here"));
  for (const int depth : {513, 100'000}) {
    const auto deep = parse_json_document(nested(depth), "http://shop/x");
    REQUIRE_FALSE(deep);
    CHECK(deep.error().code == errc::too_large);
    CHECK(deep.error().to_string().find("512 deep") != std::string::npos);
    CHECK(deep.error().on == "http://shop/x");
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(parse_json_document(objects, "here").error().code == errc::too_large);
}

TEST_CASE("what a database cannot take is mended") {
  CHECK(parse_json_document(R"(["a\u0000b"])", "here")->at(0) == "ab");
  CHECK(parse_json_document(R"({"a\u0000":1})", "here")->contains("a"));
  // Titles that were cut in the middle of an emoji.
  CHECK(parse_json_document(R"(["x\ud83d"])", "here")->at(0) == "x\uFFFD");
  CHECK(parse_json_document(R"(["\ude00x"])", "here")->at(0) == "\uFFFDx");
  CHECK(parse_json_document(R"(["\ud83d\ude00"])", "here")->at(0) == "\U0001F600");
  CHECK(parse_json_document(R"(["\\ud83d"])", "here")->at(0) == "\\ud83d");
  CHECK(parse_json_document("[\"caf\xE9\"]", "here")->at(0) == "caf\uFFFD");
  CHECK(parse_json_document("[\"\xED\xA0\x80\"]", "here")->at(0) == "\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("an id beyond 64 bits keeps its digits") {
  CHECK(parse_json_document("[123456789012345678901234567890]", "here")->at(0) ==
        "123456789012345678901234567890");
  CHECK(parse_json_document("[1e3]", "here")->at(0).is_number_float());
}

TEST_CASE("sound documents and those with something to mend are read alike") {
  // A number beyond 64 bits is beyond simdjson, so that the whole list goes the other way.
  const std::string beyond = "123456789012345678901234567890";
  const auto list_of = [](std::string_view value, std::string_view last) {
    std::string list = "\xEF\xBB\xBF[";
    return list.append(value).append(", ").append(last).append("]");
  };
  for (const std::string_view value : {
           R"({"a": 1, "a": [2], "b\u0000": 3, "b": 4})",
           R"(["\u0000x\u0000", "\ud83d\ude00", "\\ud83d", "caf\u00e9", "\"\\\/\b\f\n\r\t"])",
           "[0, -0, 1, -1, 9223372036854775807, 9223372036854775808]",
           "[18446744073709551615, -9223372036854775808]",
           "[0.0, -0.0, 1.5, 1e3, 1E-7, 4.9e-324, 1.7976931348623157e308, 0.1]",
           R"([true, false, null, "", [], {}, [[]], [{}], {"": {"": ""}}])",
       }) {
    CAPTURE(value);
    const auto sound = parse_json_document(list_of(value, '"' + beyond + '"'), "here");
    const auto mended = parse_json_document(list_of(value, beyond), "here");
    REQUIRE(sound);
    REQUIRE(mended);
    CHECK(sound->dump() == mended->dump());
  }
}

TEST_CASE("a document of many megabytes is read like a small one") {
  std::string body = "[";
  while (body.size() < 9'000'000) body += R"({"id": 1, "title": "coat\u0000"},)";
  body.back() = ']';
  const auto read = parse_json_document(body, "here");
  REQUIRE(read);
  CHECK(read->size() > 200'000);
  CHECK(read->back() == nlohmann::json::parse(R"({"id": 1, "title": "coat"})"));
}

TEST_CASE("a body that is not JSON is named for what it is") {
  const auto why = [](std::string_view body) {
    const auto read = parse_json_document(body, "here");
    REQUIRE_FALSE(read);
    CHECK(read.error().code == errc::malformed);
    return read.error().why;
  };
  CHECK(why("") == "expected JSON, found an empty body");
  CHECK(why("<html><head>\n<title>Access Denied</title></head></html>") ==
        "expected JSON, found an HTML page titled \"Access Denied\"");
  CHECK(why("<!DOCTYPE html><p>hi") == "expected JSON, found an HTML page");
  CHECK(why("<?xml version=\"1.0\"?><rss/>") == "expected JSON, found an XML document");
  CHECK(why("Service unavailable") == "expected JSON, found text that begins with \"Service unavailable\"");
  CHECK(why("{\"a\": [1, 2").find("breaks off at byte") != std::string::npos);
  CHECK(why("{} x").find("damaged") != std::string::npos);
}

TEST_CASE("blanks of all kinds are trimmed") {
  CHECK(trimmed(" \t\u00a0a b\u202f\r\n") == "a b");
  CHECK(trimmed("\u00a0").empty());
}
