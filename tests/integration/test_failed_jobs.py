"""`catwalk failed` and `catwalk jobs`."""

from tests.integration.expectation import check_rows

SCRAPE = ("scrape", "Zara", "--limit", "20", "--allow-untrained")


def refuse(supabase, product):
    supabase.control(
        "sql",
        sql=f"""
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          if new.product_url like '%={product.id}' then raise exception 'the app does not want this one'; end if;
        return new; end $$;
        create trigger refuse before insert or update on products for each row execute function refuse();""",
    )


def test_a_refused_row_is_listed_shown_and_sent_again(
    catwalk, configure, supabase, shop
):
    bad = shop.all_products[7]
    refuse(supabase, bad)
    configure(shop, supabase)
    assert catwalk(*SCRAPE).code == 3
    (letter,) = catwalk("failed", "list", "--json").json
    assert letter["title"] == bad.name and letter["site"] == "Zara"
    assert letter["code"] == "P0001"
    assert "the app does not want this one" in letter["sink_words"]
    assert letter["attempts"], "no attempt is kept"
    shown = catwalk("failed", "show", letter["id"])
    assert shown.code == 0 and "attempts" in shown.out and str(bad.id) in shown.out
    assert catwalk("failed", "show", 999).code == 1
    supabase.control("sql", sql="drop trigger refuse on products")
    again = catwalk("failed", "retry", letter["id"])
    assert again.code == 0, again
    assert catwalk("failed", "list", "--json").json == []
    assert catwalk(*SCRAPE).code == 0
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_dead_letters_are_dropped(catwalk, configure, supabase, shop):
    refuse(supabase, shop.all_products[7])
    configure(shop, supabase)
    assert catwalk(*SCRAPE).code == 3
    assert catwalk("failed", "drop").code == 2
    assert catwalk("failed", "drop", "--all").code == 0
    assert "no row was refused" in catwalk("failed", "list").out
    assert catwalk(*SCRAPE).code == 0


def test_runs_are_listed_and_shown(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    assert (
        "no run yet" in catwalk("jobs", "list").out or catwalk("jobs", "list").code == 1
    )
    assert catwalk(*SCRAPE).code == 0
    (run,) = catwalk("jobs", "list", "--json").json
    assert run["job"] == "manual" and run["state"] == "done"
    shown = catwalk("jobs", "show", run["run"], "--json")
    assert shown.json["report"]["sites"][0]["products"] == 20
    assert "20 products" in catwalk("jobs", "list").out
    in_words = catwalk("jobs", "show", run["run"]).out.splitlines()
    assert "Zara: 20 products (20 new, 0 changed, 0 unchanged, 0 gone), 1 pages" in in_words[1], in_words
    assert in_words[-1].strip() == "pictures: 20 embedded, 0 failed; rows: 20 sent, 0 refused, 0 waiting"
    assert catwalk("jobs", "show", 999).code == 1
