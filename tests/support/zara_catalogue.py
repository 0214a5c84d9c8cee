"""What the fixture shop sells: products made from a seed, in the structure of Zara's answers, and as rows."""

import dataclasses
import hashlib
import random
import re

SECTIONS = {1: "WOMAN", 2: "MAN"}
COLOURS = ("Noir", "Blanc cassé", "Bleu marine", "Marron clair chiné", "Écru", "Vert bouteille")
GARMENTS = (
    "VESTE EN CUIR À POCHES",
    "PULL EN MAILLE PERLÉE",
    "POLO EN MAILLE DOUCE",
    "PARKA COL COMBINÉ",
    "PANTALON CARGO",
    'CHEMISE "OXFORD" & CO',
    "ROBE LONGUE PLISSÉE",
    "T-SHIRT 100 % COTON",
)


@dataclasses.dataclass
class Product:
    number: int
    category: str
    name: str
    description: str
    price: int  # minor units
    section: int
    colour: str
    availability: str
    version: int = 1  # of the pictures

    @property
    def id(self):
        return 450_000_000 + self.number * 7

    @property
    def reference(self):
        return f"{10_000_000 + self.number:08}"

    @property
    def keyword(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower().replace("é", "e").replace("à", "a")).strip("-")

    def picture_path(self, kind="e1"):
        digest = hashlib.md5(f"{self.number}:{kind}".encode(), usedforsecurity=False).hexdigest()
        name = f"{self.reference}800-{kind}"
        return f"/assets/public/{digest[:4]}/{digest[4:8]}/{digest[8:20]}/{digest[20:32]}/{name}"

    def picture_address(self, host, kind="e1"):
        name = self.picture_path(kind).rsplit("/", 1)[1]
        return f"{host}{self.picture_path(kind)}/{name}.jpg?ts={1_758_000_000_000 + self.version}"


def make_products(count, seed, category):
    source = random.Random(f"{seed}:{category}")
    start = int(hashlib.md5(category.encode(), usedforsecurity=False).hexdigest()[:4], 16) * 1000
    products = []
    for number in range(start, start + count):
        products.append(
            Product(
                number,
                category,
                f"{source.choice(GARMENTS)} {number % 1000}",
                f"Coupe droite, modèle {number % 1000}.",
                source.choice((1299, 3999, 6590, 7990, 14900, 21900, 1000, 100000)),
                source.choice((1, 2)),
                source.choice(COLOURS),
                source.choice(("in_stock", "in_stock", "out_of_stock", "coming_soon")),
            )
        )
    return products


def category_answer(products, number, page, size, is_last, host):
    """One page in the structure of `/category/N/products?ajax=true`."""
    components = [component(product, host, place) for place, product in enumerate(products)]
    elements = [
        {
            "id": f"defaultTemplate{at // 4}",
            "type": "autotemplate",
            "layout": "4A",
            "commercialComponents": components[at : at + 4],
        }
        for at in range(0, len(components), 4)
    ]
    if components:
        # What is sold nowhere: an advertisement among the products.
        elements.insert(
            1,
            {
                "id": "banner",
                "type": "autotemplate",
                "layout": "1A",
                "commercialComponents": [
                    {
                        "id": 1,
                        "type": "Marketing",
                        "kind": "Banner",
                        "name": "SOLDES",
                        "xmedia": [],
                        "seo": {},
                    }
                ],
            },
        )
    return {
        "productGroups": [{"id": "EDITORIAL_SECTION", "type": "main", "elements": elements}],
        "category": {"id": int(number), "name": f"Category {number}", "key": "I2025"},
        "paginationInfo": {"page": page, "pageSize": size, "isLastPage": is_last, "isDisabled": False},
        "breadCrumbs": [],
        "sections": [{"name": name} for name in SECTIONS.values()],
    }


def component(product, host, place):
    pictures = [xmedia(product, host, kind) for kind in ("e1", "e2")]
    return {
        "id": product.id,
        "reference": f"{product.reference}-I2025",
        "type": "Product",
        "kind": "Wear",
        "brand": {"brandId": 1, "brandGroupId": 1, "brandGroupCode": "zara"},
        "xmedia": [],
        "name": product.name,
        "description": "",
        "price": product.price,
        "section": product.section,
        "sectionName": SECTIONS[product.section],
        "familyName": "WIND-JACKET",
        "subfamilyName": "Outwear",
        "detail": {
            "reference": f"{product.reference}-I2025",
            "displayReference": product.reference[1:5],
            "colors": [
                {
                    "id": "800",
                    "productId": product.id,
                    "name": product.colour,
                    "stylingId": "0",
                    "outfitId": "BASESTYLE",
                    "xmedia": pictures,
                    "pdpMedia": xmedia(product, host, "p"),
                    "price": product.price,
                    "availability": product.availability,
                    "reference": f"C{product.reference}800-I2025",
                    "extraInfo": {"highlightPrice": False},
                }
            ],
        },
        "seo": {
            "keyword": product.keyword,
            "seoProductId": product.reference,
            "discernProductId": product.id,
            "jsonLd": {"description": product.description},
        },
        "availability": product.availability,
        "tagTypes": [],
        "serverPage": 1,
        "gridPosition": place + 1,
    }


def xmedia(product, host, kind):
    path, address = product.picture_path(kind), product.picture_address(host, kind)
    name = path.rsplit("/", 1)[1]
    return {
        "datatype": "xmedia",
        "set": 2,
        "type": "image",
        "kind": "plain",
        "path": path,
        "name": name,
        "width": 2048,
        "height": 3072,
        "timestamp": address.rsplit("=", 1)[1],
        "allowedScreens": ["small", "large"],
        "extraInfo": {
            "originalName": kind,
            "deliveryUrl": address,
            "deliveryPath": address.removeprefix(host),
        },
        "url": address + "&w={width}",
    }


def expected_row(product, layout, host, pictures=None, country="us"):
    """The columns that the sink must hold for a product, without vectors. `host`: of the site's addresses."""
    pictures = pictures or host
    address = f"{host}/us/en/{product.keyword}-p{product.id}.html?v1={product.id}"
    shared = {
        "source": "scraper",
        "title": product.name,
        "description": product.description,
        "brand": "Zara",
        "product_url": address,
        "affiliate_url": None,
        "size": None,
    }
    availability = product.availability if product.availability in ("in_stock", "out_of_stock") else "unknown"
    amount = f"{product.price // 100}" + (
        f".{product.price % 100:02}".rstrip("0") if product.price % 100 else ""
    )
    if layout == "2025-10":
        return {
            **shared,
            "external_id": str(product.id),
            "merchant_name": "Zara",
            "price": float(amount),
            "currency": "USD",
            "country": country,
            "image_url": product.picture_address(pictures) + "&w=800",
            "availability": availability,
            "gender": SECTIONS[product.section],
            "color_names": [product.colour],
        }
    row = {
        **shared,
        "id": hashlib.sha256(f"scraper:{product.id}".encode()).hexdigest(),
        "price": f"{amount}USD",
        "sale": None,
        "image_url": product.picture_address(pictures),
        "second_hand": False,
        "gender": {"WOMAN": "women", "MAN": "men"}[SECTIONS[product.section]],
    }
    if layout == "catwalk":
        row |= {
            "country": country,
            "currency": "USD",
            "availability": availability,
            "color_names": [product.colour],
        }
    return row
