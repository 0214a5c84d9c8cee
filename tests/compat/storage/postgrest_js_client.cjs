// Drives the server named in argv[2] with Supabase's own JavaScript client, as its users do. Prints one JSON object
// with what each step saw; the test compares. argv[3]: the key, argv[4]: the folder of @supabase/postgrest-js.
const { PostgrestClient } = require(process.argv[4]);
const client = new PostgrestClient(process.argv[2] + "/rest/v1", { headers: { apikey: process.argv[3] } });

const row = (n, more = {}) => ({
  id: `p${String(n).padStart(4, "0")}`, source: "scraper", title: `Title ${n}`, image_url: `http://i/${n}`,
  product_url: `http://p/${n}`, ...more,
});
const vector = (first) => [first, ...new Array(511).fill(0)];
const shown = ({ status, error, count, data }) => ({ status, code: error && error.code, message: error && error.message, count, data });

async function main() {
  const seen = {};
  const rows = Array.from({ length: 2500 }, (_, n) => row(n));
  seen.upsert = shown(await client.from("products").upsert(rows, { count: "exact" }));
  seen.upsert_again = shown(await client.from("products").upsert([row(1, { title: "new" })]).select("id,title"));
  seen.ignore = shown(await client.from("products").upsert([row(1), row(9000)], { ignoreDuplicates: true }).select("id"));
  // The client quotes the names in columns= when rows differ; missing=default keeps the column's default.
  seen.uneven = shown(await client.from("products").insert(
    [row(9001, { brand: "B" }), row(9002)], { defaultToNull: false }).select("id,brand,second_hand"));
  seen.conflict_on = shown(await client.from("old_products").upsert(
    [{ source: "s", external_id: "1", title: "a" }], { onConflict: "source,external_id" }));
  seen.conflict_on_again = shown(await client.from("old_products").upsert(
    [{ source: "s", external_id: "1", title: "b" }], { onConflict: "source,external_id" }).select("title").single());
  seen.vector = shown(await client.from("products").update({ image_embedding: vector(0.5) }).eq("id", "p0001").select("image_embedding").single());
  seen.wrong_width = shown(await client.from("products").update({ image_embedding: [1, 2] }).eq("id", "p0001"));

  const paged = [];
  for (let from = 0; ; from += 1000) {
    const { data } = await client.from("products").select("id").order("id").range(from, from + 999);
    if (data.length === 0) break;
    paged.push(data.length);
  }
  seen.pages = paged;
  const whole = await client.from("products").select("id", { count: "exact" });
  seen.truncated = { status: whole.status, length: whole.data.length, count: whole.count };
  seen.head = shown(await client.from("products").select("*", { count: "exact", head: true }));

  seen.filters = {
    eq: (await client.from("products").select("title").eq("id", "p0007")).data,
    in: (await client.from("products").select("id").in("id", ["p0003", "p0004", "a,b"]).order("id")).data,
    or: (await client.from("products").select("id").or("id.eq.p0005,and(id.gt.p2498,id.lt.p9000)").order("id")).data,
    not: (await client.from("products").select("id").not("brand", "is", null)).data,
    like: (await client.from("products").select("id").like("title", "Title 249_").order("id", { ascending: false }).limit(2)).data,
    maybe: shown(await client.from("products").select("id").eq("id", "none").maybeSingle()),
    single: shown(await client.from("products").select("id").eq("id", "none").single()),
  };
  seen.patch = shown(await client.from("products").update({ brand: "Z" }, { count: "exact" }).lt("id", "p0010"));
  seen.remove = shown(await client.from("products").delete({ count: "exact" }).in("id", ["p0000", "p0001"]));
  seen.remove_all = shown(await client.from("products").delete());
  seen.rpc = shown(await client.rpc("add", { a: 2, b: 3 }));
  seen.rpc_get = shown(await client.rpc("add", { a: 2 }, { get: true }));
  seen.rpc_rows = shown(await client.rpc("titled", { prefix: "Title 24" }).select("id").order("id").limit(2));
  seen.rpc_missing = shown(await client.rpc("none", {}));
  seen.no_table = shown(await client.from("product").select());
  seen.no_column = shown(await client.from("products").insert({ ...row(9100), colour: "red" }));
  seen.duplicate = shown(await client.from("products").insert(row(5)));
  const stranger = new PostgrestClient(process.argv[2] + "/rest/v1", { headers: { apikey: "wrong" } });
  seen.wrong_key = shown(await stranger.from("products").select());
  console.log(JSON.stringify(seen));
}

main().catch((error) => { console.error(error); process.exit(1); });
