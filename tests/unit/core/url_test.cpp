#include "core/url.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;

TEST_CASE("an address falls into its parts") {
  const auto u = parse_url("HTTPS://User:p%20w@Shop.Example:8443/a/b.html?x=1&y=2#part");
  REQUIRE(u);
  CHECK(u->scheme == "https");
  CHECK(u->userinfo == "User:p%20w");
  CHECK(u->host == "shop.example");
  CHECK(u->port == 8443);
  CHECK(u->path == "/a/b.html");
  CHECK(u->query == "x=1&y=2");
  CHECK(u->fragment == "part");
  CHECK(u->str() == "https://User:p%20w@shop.example:8443/a/b.html?x=1&y=2#part");
  CHECK(u->without_fragment() == "https://shop.example:8443/a/b.html?x=1&y=2");
}

TEST_CASE("addresses are normalised as browsers do") {
  struct row {
    const char* written;
    const char* read;
  };
  const row rows[] = {
      {"http://shop.example", "http://shop.example/"},
      {"  http://shop.example/a\n ", "http://shop.example/a"},
      {"http://shop.example/a\tb\r\nc", "http://shop.example/abc"},
      {"http://shop.example:80/", "http://shop.example/"},
      {"https://shop.example:443/", "https://shop.example/"},
      {"https://shop.example:80/", "https://shop.example:80/"},
      {"http://shop.example/a/./b/../c", "http://shop.example/a/c"},
      {"http://shop.example/a/%2e%2E/c/..", "http://shop.example/"},
      {"http://shop.example/../..", "http://shop.example/"},
      {"http://shop.example/red shoe.jpg", "http://shop.example/red%20shoe.jpg"},
      {"http://shop.example/caf\xC3\xA9?q=\xC3\xA9#\xC3\xA9",
       "http://shop.example/caf%C3%A9?q=%C3%A9#%C3%A9"},
      {"http://shop.example/100%/a%20b", "http://shop.example/100%/a%20b"},
      {"http:\\\\shop.example\\a", "http://shop.example/a"},
      {"http://shop.example?x=a b", "http://shop.example/?x=a%20b"},
      {"http://shop.example/?", "http://shop.example/"},
      {"http://B\xC3\xBC"
       "cher.example/",
       "http://xn--bcher-kva.example/"},
      {"http://%62%75y.example/", "http://buy.example/"},
      {"http://0x7f.1/", "http://127.0.0.1/"},
      {"http://2130706433/", "http://127.0.0.1/"},
      {"http://0177.0.0.01./", "http://127.0.0.1/"},
      {"http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"},
  };
  for (const auto& row : rows) {
    INFO(row.written);
    const auto u = parse_url(row.written);
    REQUIRE(u);
    CHECK(u->str() == row.read);
    CHECK(parse_url(u->str())->str() == row.read);
  }
}

TEST_CASE("what is no http address is refused with a reason") {
  for (const auto* text : {"",
                           " ",
                           "shop.example",
                           "/path",
                           "//shop.example/",
                           "ftp://shop.example/",
                           "mailto:a@b.c",
                           "http://",
                           "http:///",
                           "http://user@/",
                           "http://a b/",
                           "http://shop.example:99999/",
                           "http://shop.example:x/",
                           "http://256.1.1.1/",
                           "http://1.2.3.4.5/",
                           "http://[::1/",
                           "http://[zz]/",
                           "http://a%00b/",
                           "http://a<b/",
                           "javascript:void(0)",
                           "data:,x"}) {
    INFO(text);
    const auto u = parse_url(text);
    REQUIRE_FALSE(u);
    CHECK(u.error().code == errc::malformed);
    CHECK_FALSE(u.error().why.empty());
  }
}

TEST_CASE("relative addresses resolve against their page") {
  const std::string base = "https://shop.example/women/dresses/list.html?page=2#grid";
  struct row {
    const char* relative;
    const char* absolute;
  };
  const row rows[] = {
      {"https://cdn.example/a.jpg", "https://cdn.example/a.jpg"},
      {"//cdn.example/a.jpg?w=10", "https://cdn.example/a.jpg?w=10"},
      {"/p/1", "https://shop.example/p/1"},
      {"p/1", "https://shop.example/women/dresses/p/1"},
      {"./p/1", "https://shop.example/women/dresses/p/1"},
      {"../p/1", "https://shop.example/women/p/1"},
      {"../../../../p", "https://shop.example/p"},
      {"?page=3", "https://shop.example/women/dresses/list.html?page=3"},
      {"#top", "https://shop.example/women/dresses/list.html?page=2#top"},
      {"", "https://shop.example/women/dresses/list.html?page=2"},
      {" /p 1 ", "https://shop.example/p%201"},
      {"/\xC5\xA1"
       "aty",
       "https://shop.example/%C5%A1aty"},
      {"\\\\cdn.example\\x", "https://cdn.example/x"},
      {"https:p", "https://shop.example/women/dresses/p"},
      {"http:p", "http://p/"},
      {"/search?q=a/../b", "https://shop.example/search?q=a/../b"},
      {"p;v=1", "https://shop.example/women/dresses/p;v=1"},
      {"10:30", "https://shop.example/women/dresses/10:30"},
      {"mailto:x@y.z", ""},
      {"javascript:void(0)", ""},
  };
  for (const auto& row : rows) {
    INFO(row.relative);
    const auto found = resolve_url(base, row.relative);
    CHECK(found.has_value() == (*row.absolute != '\0'));
    if (found) CHECK(*found == row.absolute);
  }
}

TEST_CASE("host and host key") {
  CHECK(host_of("https://Shop.Example/a") == "shop.example");
  CHECK(host_of("nonsense").empty());
  CHECK(host_key("https://Shop.Example/a") == "https://shop.example:443");
  CHECK(host_key("http://shop.example:8080/") == "http://shop.example:8080");
  CHECK(host_key("nonsense").empty());
}

TEST_CASE("a query parameter is added or replaced, the rest keeps its spelling") {
  CHECK(with_query("https://s.example/p", "page", "2") == "https://s.example/p?page=2");
  CHECK(with_query("https://s.example/p?page=1&sort=a+b", "page", "2") ==
        "https://s.example/p?page=2&sort=a+b");
  CHECK(with_query("https://s.example/p?a=%7e&page=1&page=3#x", "page", "2") ==
        "https://s.example/p?a=%7e&page=2#x");
  CHECK(with_query("https://s.example/p?", "q", "a b&c") == "https://s.example/p?q=a%20b%26c");
  CHECK(with_query("https://s.example/p?pages=1", "page", "2") == "https://s.example/p?pages=1&page=2");
  CHECK(with_query("https://s.example/?pag%65=1", "page", "2") == "https://s.example/?page=2");
}

TEST_CASE("addresses of one page are canonically the same") {
  const std::string page = "https://s.example/p/1?colour=red&size=m";
  CHECK(canonical_url(page) == page);
  for (const char* same : {"https://S.example:443/p/1?size=m&colour=red#reviews",
                           "https://s.example/a/../p/1?utm_source=mail&colour=red&UTM_Medium=x&size=m",
                           "https://me@s.example/p/1?gclid=1&&size=m&colour=red&fbclid=2"})
    CHECK(canonical_url(same) == page);
  for (const char* other : {"https://s.example/p/1?colour=red", "https://s.example/p/1/?colour=red&size=m",
                            "http://s.example/p/1?colour=red&size=m", "https://s.example/p/1?variant=2"})
    CHECK(canonical_url(other) != page);
  CHECK(canonical_url("https://s.example/p?utm_source=mail") == "https://s.example/p");
  CHECK(canonical_url("nonsense") == "nonsense");
}

TEST_CASE("an address in its normal form stays, and any other becomes it") {
  for (const char* written : {"https://img.example/a.jpg",
                              "https://img.example/a.jpg?w=1&h=%20",
                              "http://10.0.0.1/",
                              "https://a.b/c%2e",
                              "HTTPS://img.example/a.jpg",
                              "https://Img.example/a.jpg",
                              "https://img.example",
                              "https://img.example?x",
                              "https://img.example/a?",
                              "https://img.example/a#b",
                              "https://img.example/a b",
                              "https://img.example/a?b c",
                              "https://img.example/./a",
                              "https://img.example/a/..",
                              "https://img.example/%2e%2e/a",
                              "https://a.b/c\\d",
                              "https://a.b:443/c",
                              "https://a.b:8443/c",
                              "https://u@a.b/c",
                              "https://0x7f.1/",
                              "https://1.2.3/x",
                              "https://img.example./a",
                              "https://b\u00fccher.example/\u00e4",
                              "https://a.b/c?q='",
                              "https://a.b/\tc",
                              "https://a.b/c\\..\\d",
                              "https://a.b/c?d\\e",
                              "https://a_b.c/d",
                              "https:///a.b/c",
                              "https://a.b//c"}) {
    INFO(written);
    const auto read = parse_url(written);
    const auto normal = normalised_url(written);
    REQUIRE(normal.has_value() == read.has_value());
    if (!read) continue;
    CHECK(*normal == read->without_fragment());
    CHECK(*normalised_url(*normal) == *normal);
  }
  CHECK(normalised_url("/a").error().code == errc::malformed);
}

TEST_CASE("percent encoding goes both ways") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(percent_decode(percent_encode(bytes)) == bytes);
  CHECK(percent_encode("a-b_c.d~e f/\xC3\xA9") == "a-b_c.d~e%20f%2F%C3%A9");
  CHECK(percent_decode("%") == "%");
  CHECK(percent_decode("%4") == "%4");
  CHECK(percent_decode("%zz%41+%") == "%zzA+%");
}

TEST_CASE("a redacted address shows no credentials") {
  CHECK(redacted("https://user:pw@s.example/p") == "https://***@s.example/p");
  CHECK(redacted("https://s.example/p?apikey=1&page=2&Access_Token=3#x") ==
        "https://s.example/p?apikey=***&page=2&Access_Token=***#x");
  CHECK(redacted("https://s.example/?key=1&monkey=2&password=3&X-Amz-Signature=4&api%5fkey=5") ==
        "https://s.example/?key=***&monkey=2&password=***&X-Amz-Signature=***&api%5fkey=***");
  CHECK(redacted("https://s.example/a@b?x=y@z") == "https://s.example/a@b?x=y@z");
  CHECK(redacted("not an address") == "not an address");
}
