-- Search by vector, and vectors set in bulk.
do $catwalk$
declare
  found record;
begin
  for found in
    select a.attname as name, t.typname as type, a.atttypmod as width
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = format('public.%I', {{name}})::regclass and a.attnum > 0 and not a.attisdropped
      and a.attname in ('image_embedding', 'embedding') and t.typname in ('vector', 'halfvec')
  loop
    -- pgvector builds this index for 2,000 numbers of vector, 4,000 of halfvec.
    continue when found.width > case found.type when 'vector' then 2000 else 4000 end;
    continue when exists (
      select from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
      join pg_opclass o on o.oid = any (i.indclass)
      where i.indrelid = format('public.%I', {{name}})::regclass and m.amname = 'hnsw'
        and o.opcname = found.type || '_cosine_ops'
        and (select attnum from pg_attribute where attrelid = i.indrelid and attname = found.name)
          = any (i.indkey));
    execute format('create index %I on public.%I using hnsw (%I %s_cosine_ops)',
      left({{name}} || '_' || found.name, 54) || '_hnsw', {{name}}, found.name, found.type);
  end loop;
end $catwalk$;

do $catwalk$
declare
  of_october constant boolean := exists (select from information_schema.columns where table_schema = 'public'
    and table_name = {{name}} and column_name = 'external_id');
  vector_column constant text := case when of_october then 'embedding' else 'image_embedding' end;
  vector_type constant text := (select t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = format('public.%I', {{name}})::regclass and a.attname = vector_column);
  filters text := '';
  amount text;
  one text;
  marker constant text := 'catwalk 1';
  body text;
begin
  for one in
    select column_name from information_schema.columns
    where table_schema = 'public' and table_name = {{name}} and data_type = 'text'
      and column_name in ('source', 'brand', 'category', 'subcategory', 'gender', 'country', 'availability')
    order by column_name
  loop
    filters := filters || format(E'\n      and (filters ->> %1$L is null or p.%1$I = filters ->> %1$L)', one);
  end loop;
  select column_name into amount from information_schema.columns
    where table_schema = 'public' and table_name = {{name}} and data_type = 'numeric'
      and column_name in ('price_amount', 'price') order by column_name desc limit 1;
  if amount is not null then
    -- What the product costs now.
    amount := format('p.%I', amount);
    if exists (select from information_schema.columns where table_schema = 'public' and table_name = {{name}}
        and column_name = 'sale_amount' and data_type = 'numeric') then
      amount := format('coalesce(p.sale_amount, %s)', amount);
    end if;
    filters := filters
      || format(E'\n      and (filters ->> ''min_price'' is null or %s >= (filters ->> ''min_price'')::numeric)', amount)
      || format(E'\n      and (filters ->> ''max_price'' is null or %s <= (filters ->> ''max_price'')::numeric)', amount);
  end if;

  -- A function of that name that is someone else's stays as it is.
  if exists (select from pg_proc where proname = 'match_products' and pronamespace = 'public'::regnamespace
      and coalesce(obj_description(oid, 'pg_proc'), '') not like 'catwalk %') then
    raise notice 'public.match_products is there already and not catwalk''s: it stays as it is';
  else
    body := format($f$
create or replace function public.match_products(
  query_embedding %6$s, match_threshold double precision default 0, match_count integer default 20,
  filters jsonb default '{}')
returns table (id text, source text, title text, brand text, category text, gender text, price text,
  image_url text, product_url text, similarity double precision)
language sql stable parallel safe as $body$
  select p.id::text, p.source, p.title, p.brand, p.category, p.gender, p.price::text, p.image_url,
    p.product_url, 1 - (p.%2$I <=> query_embedding)
  from public.%1$I p
  where p.%2$I is not null
      and 1 - (p.%2$I <=> query_embedding) > match_threshold%3$s
  order by p.%2$I <=> query_embedding
  limit least(greatest(match_count, 0), 1000)
$body$ set search_path = %4$s%5$s$f$,
      {{name}}, vector_column, filters, current_setting('search_path'),
      case when (select string_to_array(split_part(extversion, '-', 1), '.')::int[] >= array[0, 8]
                 from pg_extension where extname = 'vector')
        then ' set hnsw.iterative_scan = strict_order' else '' end,
      vector_type);
    if obj_description(to_regprocedure(format('public.match_products(%s, double precision, integer, jsonb)',
        vector_type)), 'pg_proc') is distinct from marker || ' ' || md5(body) then
      execute 'drop function if exists public.match_products(vector, double precision, integer, jsonb)';
      execute 'drop function if exists public.match_products(halfvec, double precision, integer, jsonb)';
      execute body;
      execute format('comment on function public.match_products(%s, double precision, integer, jsonb) is %L',
        vector_type, marker || ' ' || md5(body));
      if exists (select from pg_roles where rolname = 'service_role') then
        execute format('grant execute on function public.match_products(%s, double precision, integer, jsonb) '
          'to anon, authenticated, service_role', vector_type);
      end if;
    end if;
  end if;

  body := format($f$
create or replace function public.catwalk_set_vectors(rows jsonb) returns integer
language sql as $body$
  with given as (
    select r ->> 'id' as id, (r ->> 'vector')::%3$s as vector, r ->> 'model' as model
    from jsonb_array_elements(rows) r),
  changed as (
    update public.%1$I p set %2$I = g.vector, embedding_model = g.model
    from given g where p.id = g.id::%4$s returning 1)
  select count(*)::integer from changed
$body$ set search_path = %5$s$f$,
    {{name}}, vector_column, vector_type,
    (select format_type(atttypid, null) from pg_attribute
      where attrelid = format('public.%I', {{name}})::regclass and attname = 'id'),
    current_setting('search_path'));
  if obj_description(to_regprocedure('public.catwalk_set_vectors(jsonb)'), 'pg_proc')
      is distinct from marker || ' ' || md5(body) then
    execute body;
    execute format('comment on function public.catwalk_set_vectors(jsonb) is %L', marker || ' ' || md5(body));
    revoke execute on function public.catwalk_set_vectors(jsonb) from public;
    if exists (select from pg_roles where rolname = 'service_role') then
      revoke execute on function public.catwalk_set_vectors(jsonb) from anon, authenticated;
      grant execute on function public.catwalk_set_vectors(jsonb) to service_role;
    end if;
  end if;
end $catwalk$;
