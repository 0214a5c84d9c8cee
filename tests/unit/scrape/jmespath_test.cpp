#include "scrape/jmespath.hpp"

#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using namespace catwalk;
using nlohmann::json;
using scrape::jmespath;
using scrape::jmespath_error;
using scrape::jmespath_error_kind;

namespace {

json search(const std::string& expression, const json& document) {
  const auto compiled = jmespath::compile(expression);
  INFO(expression << ": " << (compiled ? "" : compiled.error().to_string()));
  REQUIRE(compiled.has_value());
  const auto found = compiled->search(document);
  INFO((found ? "" : found.error().to_string()));
  REQUIRE(found.has_value());
  return *found;
}

jmespath_error failure(const std::string& expression, const json& document = nullptr) {
  jmespath_error detail{jmespath_error_kind::syntax, 9999, "none"};
  const auto compiled = jmespath::compile(expression, &detail);
  if (compiled)
    REQUIRE(compiled->search(document, &detail).has_error());
  else
    CHECK(compiled.error().code == errc::invalid_expression);
  return detail;
}

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("jmespath reads a product's fields as sites.yaml writes them") {
  const auto product = json::parse(R"({
    "id": 7, "price": 21900, "badge": "COLOR", "seo": {"keyword": "knit-dress"},
    "detail": {"colors": [{"xmedia": [{"url": "a"}, {"extraInfo": {"deliveryUrl": "b"}}]}, {"xmedia": [{"url": "c"}]}]}})");
  CHECK(search("'USD'", product) == "USD");
  CHECK(search("badge | [?@=='COLOR'] | []", product) == nullptr);
  CHECK(search("[badge] | [?@=='COLOR'] | [0]", product) == "COLOR");
  CHECK(search("detail.colors[].xmedia[].[url, extraInfo.deliveryUrl][]", product) ==
        json::parse(R"(["a", "b", "c"])"));
  CHECK(search("detail.colors[*].xmedia[*].url", product) == json::parse(R"([["a"], ["c"]])"));
  CHECK(search("to_string(id)", product) == "7");
  CHECK(search("join('-', [seo.keyword, to_string(id)])", product) == "knit-dress-7");
  CHECK(search("detail.colors[-1].xmedia[0].url || 'none'", product) == "c");
  CHECK(search("{id: id, image: detail.colors[0].xmedia[0].url}", product) ==
        json::parse(R"({"id": 7, "image": "a"})"));
}

TEST_CASE("jmespath keeps numbers exact") {
  CHECK(search("sum(@)", json::parse("[9007199254740993, 2]")).dump() == "9007199254740995");
  CHECK(search("ceil(`1.2`)", nullptr).dump() == "2");
  CHECK(search("floor(`-1.2`)", nullptr).dump() == "-2");
  CHECK(search("abs(@)", json(INT64_MIN)).dump() == "9223372036854775808");
  CHECK(search("@ == `1.0`", 1) == true);
  CHECK(search("@ == `true`", 1) == false);
  CHECK(search("[0] < [1]", json::parse("[9007199254740992, 9007199254740993]")) == true);
  CHECK(search("[0] == [1]", json::parse("[18446744073709551615, -1]")) == false);
  CHECK(search("[0] > [1]", json::parse("[18446744073709551615, -1]")) == true);
  CHECK(search("[0] < [1]", json::parse("[9223372036854775807, 9223372036854775808.0]")) == true);
  CHECK(search("sort(@)", json::parse("[2.5, 1, -3, 2]")) == json::parse("[-3, 1, 2, 2.5]"));
}

TEST_CASE("jmespath reads numbers in text as people write them") {
  for (const auto& [text, number] :
       std::vector<std::pair<std::string, std::string>>{{"12", "12"},
                                                        {" 12 ", "12"},
                                                        {"+12", "12"},
                                                        {"-0.5", "-0.5"},
                                                        {"007", "7"},
                                                        {".5", "0.5"},
                                                        {"5.", "5.0"},
                                                        {"1e3", "1000.0"},
                                                        {"99999999999999999999", "1e+20"},
                                                        {"", "null"},
                                                        {"-", "null"},
                                                        {"+-1", "null"},
                                                        {"inf", "null"},
                                                        {"nan", "null"},
                                                        {"1e999", "null"},
                                                        {"0x10", "null"},
                                                        {"1,5", "null"},
                                                        {"1 2", "null"}}) {
    INFO(text);
    CHECK(search("to_number(@)", text).dump() == number);
  }
}

TEST_CASE("jmespath counts and reverses characters, not bytes") {
  CHECK(search("length(@)", "Přílíš žluť") == 11);
  CHECK(search("reverse(@)", "až€😀") == "😀€ža");
}

TEST_CASE("jmespath takes literals with the quotes left out, as Python's does") {
  CHECK(search("`foo`", nullptr) == "foo");
  CHECK(search("` foo bar`", nullptr) == "foo bar");
  CHECK(search("[?a==`x`].a", json::parse(R"([{"a": "x"}, {"a": "y"}])")) == json::parse(R"(["x"])"));
  CHECK(failure("`[1`").kind == jmespath_error_kind::syntax);
  CHECK(failure("`{\"a\"`").kind == jmespath_error_kind::syntax);
}

TEST_CASE("jmespath objects that an expression makes behave as those of the document") {
  CHECK(search("{a: x, b: y} == @", json::parse(R"({"a": 1, "b": 2, "x": 1, "y": 2})")) == false);
  CHECK(search("{x: x, y: y} == @", json::parse(R"({"x": 1, "y": null})")) == true);
  CHECK(search("{x: x, z: y} == @", json::parse(R"({"x": 1, "y": null})")) == false);
  CHECK(search("[{a: @}, {a: `1`}][?a == `1`].a | [0]", 1) == 1);
  CHECK(search("{a: x, a: y}", json::parse(R"({"x": 1, "y": 2})")) == json::parse(R"({"a": 2})"));
  CHECK(search("keys({b: @, a: @})", 1).size() == 2);
  CHECK(search("length({b: @, a: @})", 1) == 2);
  CHECK(search("values(merge({a: `1`}, @))", json::parse(R"({"a": 5, "b": 6})")) == json::parse("[5, 6]"));
  CHECK(search("to_string({a: [@]})", 1) == R"({"a":[1]})");
  CHECK(search("[@, @][] | [?@ > `1`]", json::parse("[1, 2]")) == json::parse("[2, 2]"));
}

TEST_CASE("jmespath slices as Python does") {
  const auto ten = json::parse("[0,1,2,3,4,5,6,7,8,9]");
  CHECK(search("[::-3]", ten) == json::parse("[9,6,3,0]"));
  CHECK(search("[-3:]", ten) == json::parse("[7,8,9]"));
  CHECK(search("[100:-100:-1]", ten) == json::parse("[9,8,7,6,5,4,3,2,1,0]"));
  CHECK(search("[5:2]", ten) == json::array());
  CHECK(search("[::9223372036854775807]", ten) == json::parse("[0]"));
  CHECK(search("[::-9223372036854775808]", ten) == json::parse("[9]"));
  CHECK(search("[99999999999999999999]", ten) == nullptr);
  CHECK(search("[-99999999999999999999:99999999999999999999]", ten) == ten);
  CHECK(search("[:2][]", json::array()) == json::array());
}

TEST_CASE("jmespath errors say what, where and of which kind") {
  const auto check = [](const std::string& expression, jmespath_error_kind kind, std::size_t offset,
                        const std::string& message, const json& document = nullptr) {
    INFO(expression);
    const auto e = failure(expression, document);
    CHECK(e.kind == kind);
    CHECK(e.offset == offset);
    CHECK(e.message == message);
  };
  check("foo[?a = b]", jmespath_error_kind::syntax, 7, "'=' is not an operator: use '=='");
  check("foo.bar.", jmespath_error_kind::syntax, 8, "unexpected end of the expression");
  check("foo[0", jmespath_error_kind::syntax, 5, "expected ']', found the end of the expression");
  check("foo.'bar'", jmespath_error_kind::syntax, 4, "unexpected literal");
  check("'open", jmespath_error_kind::syntax, 0, "missing closing '");
  check("", jmespath_error_kind::syntax, 0, "unexpected end of the expression");
  check("a.frob(b)", jmespath_error_kind::unknown_function, 2, "there is no function \"frob\"");
  check("a.length(b, c)", jmespath_error_kind::invalid_arity, 2, "length() takes 1 argument, not 2");
  check("a || length(b)", jmespath_error_kind::invalid_type, 5,
        "length(): argument 1 must be a string or an array or an object, not null");
  check("sort_by(@, &a)", jmespath_error_kind::invalid_type, 0,
        "sort_by(): the expression must give numbers only or strings only, not both",
        json::parse(R"([{"a": 1}, {"a": "x"}])"));
  check("sort_by(@, a)", jmespath_error_kind::invalid_type, 0,
        "sort_by(): argument 2 must be an expression reference, as &name");
  check("[::0]", jmespath_error_kind::invalid_value, 0, "a slice's step cannot be 0");
  check("&a", jmespath_error_kind::syntax, 0, "'&' is only allowed before a function's argument");
  check("'a\xff'", jmespath_error_kind::syntax, 0, "the string is not valid UTF-8");
  check("length(a,)", jmespath_error_kind::syntax, 9, "unexpected ')'");

  CHECK(failure("\"žluť\"[?a = b]").caret("\"žluť\"[?a = b]") == "\"žluť\"[?a = b]\n          ^");
  CHECK(failure("a |\n b[").caret("a |\n b[") == " b[\n   ^");
  CHECK(jmespath::compile(repeat("\xbf", 400)).error().on.size() == 3);
  CHECK(jmespath::compile(std::string(299, 'a') + "ž.").error().on == std::string(299, 'a') + "…");
  CHECK(jmespath::compile("žluť.").error().to_string() ==
        "cannot compile JMESPath expression: žluť.: syntax: unexpected character at column 1");
}

TEST_CASE("jmespath refuses what is nested too deeply") {
  const int deep = 100'000;
  for (const auto& expression :
       {repeat("(", deep), repeat("[", deep), repeat("!", deep) + "a", repeat("a.", deep) + "a",
        repeat("a|", deep) + "a", "a" + repeat("[0]", deep), "a" + repeat("[]", deep), repeat("{a:", deep),
        repeat("a||", deep) + "a", "`" + repeat("[", deep) + repeat("]", deep) + "`", repeat("abs(", deep),
        "a" + repeat("[?a", deep), repeat("*.", deep) + "a"}) {
    INFO(expression.substr(0, 10));
    const auto e = failure(expression);
    CHECK(e.kind == jmespath_error_kind::syntax);
  }
  CHECK(search(repeat("(", 400) + "@" + repeat(")", 400), 1) == 1);

  json document = 1;
  for (int i = 0; i < deep; ++i) document = json::array({std::move(document)});
  CHECK(search("[0][0] | type(@)", document) == "array");
  for (const auto* expression : {"@", "[0]", "to_string(@)", "@ == @", "contains([@], @)", "{a: @}", "[]"}) {
    INFO(expression);
    const auto found = jmespath::compile(expression)->search(document);
    REQUIRE(found.has_error());
    CHECK(found.error().code == errc::too_large);
  }
}

TEST_CASE("jmespath gives up on an expression that doubles its result over and over") {
  const auto found = jmespath::compile("@" + repeat(" | [@, @]", 60))->search(1);
  REQUIRE(found.has_error());
  CHECK(found.error().code == errc::too_large);
  CHECK(jmespath::compile("[@]" + repeat(" | [@, @][]", 60))->search(1).has_error());
}

TEST_CASE("jmespath hands over parts of the document without copying them") {
  const auto document = json::parse(R"({"items": [{"a": 1}, {"a": 2}], "none": null})");
  std::vector<const json*> seen;
  const auto take = [&](const json& item) { seen.push_back(&item); };
  CHECK(jmespath::compile("items[?a > `1`]")->visit_items(document, take).value() == 1);
  CHECK(seen == std::vector<const json*>{&document["items"][1]});
  CHECK(jmespath::compile("items[0]")->visit_items(document, take).value() == 1);
  CHECK(seen.back() == &document["items"][0]);
  CHECK(jmespath::compile("none")->visit_items(document, take).value() == 0);
  CHECK(jmespath::compile("items")->visit(document, take).has_value());
  CHECK(seen.back() == &document["items"]);

  json copied;
  CHECK(jmespath::compile("items[].{b: a}")
            ->visit_items(document, [&](const json& item) { copied.push_back(item); })
            .value() == 2);
  CHECK(copied == json::parse(R"([{"b": 1}, {"b": 2}])"));
  CHECK(jmespath::compile("abs(items)")->visit_items(document, take).has_error());
}

TEST_CASE("a compiled jmespath expression is used by several threads at once") {
  const auto expression = jmespath::compile("sort_by(@, &a)[].a").value();
  const auto document = json::parse(R"([{"a": 3}, {"a": 1}, {"a": 2}])");
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t t = 0; t < right.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        right[t] += expression.search(document).value() == json::parse("[1, 2, 3]");
    });
  for (auto& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 200));
}
