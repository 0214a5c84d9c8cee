"""How shops are asked: limits, delays, Retry-After, robots.txt."""

import pytest
import yaml

from tests.integration.site_files import site_text
from tests.support.catwalk_binary import wait_until
from tests.support.slow_shop import SlowShop


def page_times(shop):
    return [seen.at for seen in shop.requests("page")]


def test_pages_of_one_host_come_one_by_one_with_a_delay(catwalk, configure, shop):
    configure(shop, fetch={"pages": {"delay": "400ms"}})
    shop.fault("slow", "/category/", seconds=0.2)
    done = catwalk("scrape", "Zara", "--limit", "60")
    assert done.code == 0, done
    times = page_times(shop)
    assert len(times) >= 3
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert min(gaps) >= 0.2, gaps
    assert sum(gaps) / len(gaps) >= 0.3, gaps
    assert shop.most_in_flight["page"] == 1


def test_pictures_have_a_limit_per_host(catwalk, configure, shop):
    configure(shop, fetch={"images": {"per_host": 3}})
    shop.fault("slow", "/assets/", seconds=0.1)
    assert catwalk("scrape", "Zara").code == 0
    assert shop.most_in_flight["image"] == 3
    assert len(shop.requests("image")) == 60


def test_retry_after_is_waited_for(catwalk, configure, shop):
    configure(shop)
    shop.fault("status", "/category/", status=429, headers={"Retry-After": "2"}, times=1)
    done = catwalk("scrape", "Zara", "--limit", "10")
    assert done.code == 0, done
    times = page_times(shop)
    assert times[1] - times[0] >= 1.9


def test_retry_after_of_pictures(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    shop.fault("status", "/assets/", status=429, headers={"Retry-After": "1"}, times=5)
    done = catwalk("scrape", "Zara", "--limit", "10", "--allow-untrained")
    assert done.code == 0, done
    assert all(row["image_embedding"] for row in supabase.rows())
    assert len(supabase.rows()) == 10


def test_robots_is_obeyed_unless_the_site_says_otherwise(catwalk, configure, shop):
    shop.robots = "User-agent: *\nDisallow: /us/\n"
    configure(shop, sites=site_text(shop).replace("respect_robots: false", "respect_robots: true"))
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code != 0, done
    assert "robots" in done.out + done.err
    assert shop.requests("page") == []
    configure(shop)
    assert catwalk("scrape", "Zara", "--limit", "5").code == 0
    assert shop.requests("page")


@pytest.mark.parametrize("respect", [True, False])
def test_pictures_on_private_addresses_need_permission(catwalk, configure, shop, respect):
    configure(shop, fetch={"allow_private_addresses": not respect})
    done = catwalk("scrape", "Zara", "--limit", "3")
    assert (done.code == 0) == (not respect), done
    if respect:
        assert shop.requests() == []
        assert "allow_private_addresses" in done.out + done.err


def test_a_site_that_does_not_ask_robots_is_warned_about_once(catwalk, configure, shop):
    words = "respect_robots is false"
    configure(shop)
    checked = catwalk("check")
    assert checked.code == 0, checked
    assert checked.out.count(words) == 1 and "sites.yaml:2:3" in checked.out, checked
    for command in (("scrape", "Zara"), ("scrape", "Zara", "--dry-run")):
        done = catwalk(*command)
        assert done.err.count(words) == 1, done
        assert "Zara: respect_robots is false" in done.err, done
    configure(shop, sites=site_text(shop).replace("respect_robots: false", "respect_robots: true"))
    assert words not in catwalk("check").out
    assert words not in catwalk("scrape", "Zara", "--dry-run").err


def test_a_body_that_drips_is_given_up_before_the_time_limit(catwalk, configure):
    with SlowShop() as shop:
        api = {
            "endpoint": shop.url + "/list",
            "items_path": "[]",
            "field_map": {"external_id": "id", "price": "price", "image_url": "image"},
        }
        configure(
            sites=yaml.safe_dump([{"brand": "Slow", "respect_robots": False, "currency": "EUR", "api": api}]),
            fetch={"pages": {"timeout": "30s"}},
        )
        running = catwalk.begin("scrape", "Slow", "--dry-run")
        wait_until(lambda: shop.endured, 60)
        running.kill()
    assert 8 < shop.endured[0] < 20, shop.endured
