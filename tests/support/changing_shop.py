"""A shop on loopback that changes between two readings: another shop's listing in Shopify's format, as time goes by."""

import copy
import json
import urllib.request

from .loopback_http import AnsweringServer

LISTINGS = 3


class ChangingShop(AnsweringServer):
    """Lists the products of `listing` (an address) on three pages of its own; the pictures stay where they are."""

    def __init__(self, listing):
        with urllib.request.urlopen(listing, timeout=30) as answer:
            self.products = json.load(answer)["products"]
        self.lost = 0  # of the listings, how many are not found
        super().__init__()

    @property
    def listings(self):
        return [f"{self.url}/listings/{number}.json" for number in range(LISTINGS)]

    def answer(self, target, _):
        pages = [f"/listings/{number}.json" for number in range(LISTINGS - self.lost)]
        if target not in pages:
            return 404, {"Content-Type": "text/plain"}, b"not found"
        listed = self.products[pages.index(target) :: LISTINGS]
        return 200, {"Content-Type": "application/json"}, json.dumps({"products": listed}).encode()

    def change_season(self):
        """A product costs 10.00 less, the last one is gone, a new one has come with its picture."""
        for variant in self.products[3 * LISTINGS]["variants"]:
            variant["price"] = f"{float(variant['price']) - 10:.2f}"
        new = copy.deepcopy(self.products.pop())
        new["id"] += 10_000
        new["handle"] += "-new"
        self.products.append(new)

    def make_trouble(self):
        """Two of the listings are lost. On the one that is left, a picture is lost and a product has no price."""
        self.lost = 2
        pictureless, priceless = (self.products[number * LISTINGS] for number in (1, 2))
        pictureless["images"] = [{"src": f"{self.url}/lost.jpg"}]
        for variant in priceless["variants"]:
            variant["price"] = None
