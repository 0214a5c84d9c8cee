#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/problem.hpp"

namespace catwalk::config {

/// One expression or several of which the first non-null wins (`_xmedia_urls` merges all).
using expressions = std::vector<located_text>;

/// Field to expressions, in the order of the file; an empty list means that the field is null.
using field_expressions = std::vector<std::pair<std::string, expressions>>;

/// Name and value in the order of the file.
using header_list = std::vector<std::pair<std::string, std::string>>;

/// `api.discover_categories`: an endpoint whose answer lists further endpoints.
struct category_discovery {
  located_text endpoint;
  expressions items_path;
  std::optional<located_text> url_path;
  std::optional<located_text> id_path;
  std::string url_template;  ///< with `{id}`
  header_list headers;
};

/// `api.discover_categories_html`: pages whose links are categories.
struct category_discovery_html {
  std::vector<located_text> category_pages;
  located_text category_link_selector;
  std::string link_href_filter;
  bool product_api_from_category = false;
  std::optional<located_text> extract_category_id_regex;
  std::string extract_category_query_param;
};

/// `html`, and `api.fallback_html` (which uses `page_url` for `category_urls`).
struct html_source {
  std::vector<located_text> category_urls;
  std::optional<located_text> product_selector;       ///< containers on a category page
  std::optional<located_text> product_link_selector;  ///< links to product pages
  std::vector<std::pair<std::string, located_text>> product_selectors;
  std::vector<located_text> sitemaps;
  std::string sitemap_url_contains;
  header_list headers;
  std::vector<located_text> prewarm;
  bool use_browser = false;
  std::optional<located_text>
      wait_for;  ///< with use_browser: CSS of an element that every page comes to have
  bool debug = false;
};

/// `api.paging`: how a listing goes on. Without any of them it goes by the answer's own `paginationInfo`.
struct paging {
  std::string page;                    ///< query parameter with the page's number
  int first = 1;                       ///< number of the first page
  std::string offset;                  ///< query parameter with the number of items before the page
  std::string cursor_parameter;        ///< query parameter that takes what `cursor` finds
  std::optional<located_text> cursor;  ///< JMESPath of what names the next page; null or empty: the last
  std::optional<located_text> next;    ///< JMESPath of the next page's address
  std::optional<located_text> more;    ///< JMESPath: false, null or empty on the last page
  int max_pages = 1000;                ///< a listing that never ends is read so far, and incomplete
};

struct api_source {
  std::vector<located_text> endpoints;
  std::string body;  ///< posted; with "{page}", "{offset}" and "{cursor}"; empty: GET
  paging pages;
  expressions items_path;
  field_expressions field_map;
  header_list headers;
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<located_text> prewarm;
  std::string product_url_template;
  std::optional<category_discovery> discover_categories;
  std::optional<category_discovery_html> discover_categories_html;
  std::optional<html_source> fallback_html;
  bool debug = false;
};

/// `shopify`: a shop that serves `/products.json`.
struct shopify_source {
  located_text url;                       ///< the shop's address, without `/products.json`
  std::vector<located_text> collections;  ///< handles; empty: the whole shop
  bool every_collection = false;          ///< `collections: all`: what /collections.json lists
  field_expressions field_map;            ///< over what is built in, on products as /products.json has them
  header_list headers;
  std::vector<located_text> prewarm;
  bool debug = false;
};

/// `sitemap`: product pages that a sitemap lists.
struct sitemap_source {
  std::vector<located_text> urls;         ///< of sitemaps or indexes of sitemaps
  std::vector<std::string> url_contains;  ///< any of; empty: every address is a product's
  header_list headers;
  std::vector<located_text> prewarm;
  bool debug = false;
};

/// `feed`: files in the format of Google Merchant Center, as XML (RSS 2.0, Atom) or TSV.
struct feed_source {
  std::vector<located_text> urls;
  field_expressions field_map;  ///< over what is built in, on items with the attributes' names
  header_list headers;
  bool debug = false;
};

enum class price_unit { guess, minor, major };

/// One stanza of `sites.yaml`.
struct site {
  std::string name;  ///< `name`, else `brand`; unique without case
  std::string brand;
  std::string merchant;
  std::string source;
  std::string country;
  /// `country` of every site with the same ids, in the order of their prices in one row; empty: there is none.
  std::vector<std::string> countries;
  bool debug = false;
  std::optional<bool> respect_robots;  ///< unset: `fetch.robots`
  std::optional<api_source> api;
  std::optional<html_source> html;
  std::optional<shopify_source> shopify;
  std::optional<sitemap_source> sitemap;
  std::optional<feed_source> feed;

  // catwalk's own additions
  std::optional<price_unit> price;              ///< `price_unit`; unset: minor for zara hosts, else guess
  std::vector<std::string> image_url_contains;  ///< any of; empty: no filter
  bool image_url_contains_set = false;          ///< false: the built-in for zara hosts applies
  std::map<std::string, std::string>
      category_names;     ///< number in the endpoint to name; empty: built-in for zara
  std::string currency;   ///< used where the field map gives none
  int image_width = 800;  ///< fills `{width}`
  bool second_hand = false;
  std::optional<long> delay_ms;        ///< wins over `fetch.pages.delay`
  std::optional<long> image_delay_ms;  ///< wins over `fetch.images.delay`
  std::string proxy, proxy_images;
  place where;
  /// SHA-256 of the stanza in canonical form: a change makes catwalk ignore what it knew of the site's pages.
  std::string stanza_hash;
};

}  // namespace catwalk::config
