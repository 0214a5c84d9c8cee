"""Compares what the sink holds with what the shop sells."""

import json
import urllib.parse

from tests.support.zara_catalogue import expected_row

VECTOR_COLUMN = {"2025-10": "embedding", "2026-02": "image_embedding", "catwalk": "image_embedding"}
# What the layouts hold that is no column of the expectation: judged one by one below.
JUDGED = {
    "additional_images",
    "metadata",
    "created_at",
    "category",
    "subcategory",
    "embedding_model",
    "info_embedding",
    "image_embedding",
    "embedding",
    "id",
}


def check_rows(rows, products, layout, host, width=512, pictures=None, category="clothing"):
    """Every column of every row, in any order; vectors present and normalised."""
    key = "external_id" if layout == "2025-10" else "id"
    expected = {}
    for product in products:
        row = expected_row(product, layout, host, pictures)
        expected[row[key]] = (product, row)
    stored = {row[key]: row for row in rows}
    assert len(stored) == len(rows), "a row is there twice"
    assert stored.keys() == expected.keys()
    for name, (product, wanted) in expected.items():
        row = stored[name]
        shown = {
            column: float(value) if column == "price" and layout == "2025-10" else value
            for column, value in row.items()
            if column in wanted
        }
        assert shown == wanted
        assert set(row) - set(wanted) <= JUDGED, "a column that nobody expects"
        check_vector(row[VECTOR_COLUMN[layout]], width)
        if layout == "2025-10":
            check_metadata_2025(row["metadata"], product)
        else:
            assert row["category"] == category
            assert json.loads(row["metadata"]) == {"country": "w"}
            check_additional_images(row, product, pictures or host)
        if layout == "catwalk":
            assert row["embedding_model"] == "untrained"


def check_vector(vector, width):
    assert vector is not None
    assert len(vector) == width
    assert abs(sum(x * x for x in vector) - 1) < 1e-3


def check_additional_images(row, product, pictures):
    """Absolute, usable, without repeats, without the main picture; the second picture is among them."""
    images = json.loads(row["additional_images"])
    assert len(images) == len(set(images))
    assert row["image_url"] not in images
    assert product.picture_address(pictures, "e2") in images
    for image in images:
        assert urllib.parse.urlsplit(image).scheme in ("http", "https")
        assert "{" not in image


def check_metadata_2025(metadata, product):
    assert metadata["source"] == "api"
    assert metadata["merchant_name"] == "Zara"
    assert metadata["country"] == "us"
    assert metadata["external_id"] == str(product.id)
    assert "/category/2443335/products" in metadata["endpoint"]
    assert metadata["original_price"] == product.price
    assert metadata["original_currency"] == "USD"
    assert metadata["_raw_item"]["name"] == product.name
    assert metadata["_raw_item"]["seo"]["discernProductId"] == product.id
