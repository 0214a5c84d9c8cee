"""The same with Scrapy, parsel and jmespath, as their documentation has it: pages in, rows out to a file.

    spider.py shopify|zara|html ADDRESS OUTPUT.jsonl
"""

import json
import sys

import jmespath
import scrapy
from parsel import Selector
from scrapy.crawler import CrawlerProcess

ZARA_ITEMS = jmespath.compile("productGroups[].elements[].commercialComponents[]")
# The field map of the sites file that catwalk reads with.
ZARA_FIELDS = {
    "external_id": ["seo.discernProductId"],
    "title": ["name"],
    "description": ["detail.description", "detail.longDescription", "seo.jsonLd.description", "description"],
    "color_names": ["detail.colors[].name", "detail.colors[].colorName"],
    "gender": ["sectionName", "section", "familyName"],
    "price": ["price"],
    "sale": ["salePrice", "sale_price", "sale"],
    "image_url": ["detail.colors[].xmedia[] | [0].extraInfo.deliveryUrl", "detail.colors[].xmedia[] | [0].url"],
    "seo_keyword": ["seo.keyword"],
    "seo_product_id": ["id"],
    "availability": ["availability"],
}
ZARA_IMAGES = [
    "detail.colors[].xmedia[].extraInfo.deliveryUrl",
    "detail.colors[].xmedia[].url",
    "detail.colors[].xmedia[].path",
]
COMPILED = {field: [jmespath.compile(e) for e in expressions] for field, expressions in ZARA_FIELDS.items()}
IMAGES = [jmespath.compile(e) for e in ZARA_IMAGES]
SHOPIFY = {
    field: jmespath.compile(expression)
    for field, expression in {
        "external_id": "id",
        "title": "title",
        "brand": "vendor",
        "category": "product_type",
        "handle": "handle",
        "tags": "tags",
        "images": "images[].src",
        "available": "variants[?available]",
        "variants": "variants",
    }.items()
}


def with_page(url, number):
    return f"{url}&page={number}"


class ShopifySpider(scrapy.Spider):
    name = "shopify"

    def __init__(self, address):
        super().__init__()
        self.first = f"{address}/products.json?limit=250"

    async def start(self):
        yield scrapy.Request(self.first, meta={"number": 1})

    def parse(self, response):
        products = response.json()["products"]
        for product in products:
            yield self.row(product)
        if len(products) >= 30:
            number = response.meta["number"] + 1
            yield scrapy.Request(with_page(self.first, number), meta={"number": number})

    def row(self, product):
        found = {field: expression.search(product) for field, expression in SHOPIFY.items()}
        variants = found["available"] or found["variants"]
        cheapest = min(variants, key=lambda variant: float(variant["price"]))
        before = cheapest["compare_at_price"]
        reduced = before is not None and float(before) > float(cheapest["price"])
        html = Selector(text=product["body_html"])
        words = {tag.lower() for tag in found["tags"]}
        return {
            "external_id": str(found["external_id"]),
            "title": found["title"],
            "description": " ".join(" ".join(html.xpath("//text()").getall()).split()),
            "brand": found["brand"],
            "category": found["category"],
            "gender": "women" if "women" in words else "men" if "men" in words else None,
            "price": (before if reduced else cheapest["price"]) + "EUR",
            "sale": cheapest["price"] + "EUR" if reduced else None,
            "size": ", ".join(dict.fromkeys(variant["option2"] for variant in variants)),
            "color_names": list(dict.fromkeys(variant["option1"] for variant in variants)),
            "availability": "in_stock" if found["available"] else "out_of_stock",
            "image_url": found["images"][0],
            "additional_images": found["images"][1:],
            "product_url": f"https://shop.example/products/{found['handle']}",
        }


class ZaraSpider(scrapy.Spider):
    name = "zara"

    def __init__(self, address):
        super().__init__()
        self.first = f"{address}/us/en/category/2443335/products?ajax=true"

    async def start(self):
        yield scrapy.Request(self.first)

    def parse(self, response):
        answer = response.json()
        for item in ZARA_ITEMS.search(answer):
            row = self.row(item)
            if row:
                yield row
        paging = answer["paginationInfo"]
        if not paging["isLastPage"]:
            yield scrapy.Request(with_page(self.first, paging["page"] + 1))

    def row(self, item):
        found = {
            field: next((v for v in (e.search(item) for e in expressions) if v is not None), None)
            for field, expressions in COMPILED.items()
        }
        if not found["external_id"] or found["price"] is None:
            return None
        images = list(dict.fromkeys(url for e in IMAGES for url in (e.search(item) or [])))
        price = found["price"] / 100
        return {
            **found,
            "price": f"{price:g}USD",
            "image_url": found["image_url"],
            "additional_images": images[1:],
            "gender": "women" if "WOMAN" in found["gender"] else "men",
            "product_url": "https://shop.example/{seo_keyword}-p{seo_product_id}.html".format(**found),
        }


class HtmlSpider(scrapy.Spider):
    name = "html"

    def __init__(self, address):
        super().__init__()
        self.first = f"{address}/list"

    async def start(self):
        yield scrapy.Request(self.first)

    def parse(self, response):
        yield from response.follow_all(css="a.card__link", callback=self.parse_product)
        if more := response.css('link[rel="next"]::attr(href)').get():
            yield response.follow(more)

    def parse_product(self, response):
        linked_data = json.loads(response.css('script[type="application/ld+json"]::text').get())
        offer = linked_data["offers"]
        images = [response.urljoin(image) for image in linked_data["image"]]
        about = " ".join(" ".join(response.css(".product__about *::text").getall()).split())
        yield {
            "external_id": linked_data["sku"],
            "title": linked_data["name"] or response.css("h1.product__title::text").get(),
            "description": linked_data["description"] or about,
            "brand": linked_data["brand"]["name"],
            "price": (offer["price"] or response.css(".product__price .price::text").re_first(r"[\d.]+"))
            + offer["priceCurrency"],
            "size": ", ".join(response.css("select[name=size] option::text").getall()),
            "availability": "in_stock" if offer["availability"].endswith("/InStock") else "out_of_stock",
            "image_url": images[0],
            "additional_images": images[1:],
            "product_url": response.url,
        }


SPIDERS = {"shopify": ShopifySpider, "zara": ZaraSpider, "html": HtmlSpider}

if __name__ == "__main__":
    kind, address, output = sys.argv[1:]
    process = CrawlerProcess(
        {
            "LOG_LEVEL": "ERROR",
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
            "DOWNLOAD_DELAY": 0,
            "FEEDS": {output: {"format": "jsonlines"}},
        }
    )
    crawler = process.create_crawler(SPIDERS[kind])
    process.crawl(crawler, address=address)
    process.start()
    print(json.dumps({"products": crawler.stats.get_value("item_scraped_count", 0)}))
