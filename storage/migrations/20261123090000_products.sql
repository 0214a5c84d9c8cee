-- The table, or what a table that is there already lacks. Twice is as good as once.
do $catwalk$
begin
  if not exists (select from pg_extension where extname = 'vector') then
    if exists (select from pg_namespace where nspname = 'extensions') then
      create extension vector with schema extensions;
    else
      create extension vector;
    end if;
  end if;
end $catwalk$;

select set_config('search_path', 'public, ' || quote_ident(n.nspname), true)
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector';

create table if not exists public.{{table}} (
  id text primary key,
  source text not null,
  title text not null,
  description text,
  brand text,
  image_url text not null,
  additional_images text,
  product_url text,
  affiliate_url text,
  category text,
  gender text,
  price text,
  sale text,
  size text,
  second_hand boolean not null default false,
  metadata text,
  country text,
  currency text,
  availability text,
  color_names text[],
  embedding_model text,
  image_embedding {{type}},
  info_embedding {{type}},
  created_at timestamptz not null default now(),
  unique (source, product_url)
);

-- Columns that an older table lacks. The table of October 2025 (external_id, embedding) keeps its shape.
do $catwalk$
declare
  of_october constant boolean :=
    (select count(*) = 2 from information_schema.columns where table_schema = 'public'
       and table_name = {{name}} and column_name in ('external_id', 'embedding'));
  wanted text;
begin
  foreach wanted in array case when of_october then array['embedding_model text']
    else array['description text', 'brand text', 'additional_images text', 'product_url text',
      'affiliate_url text', 'category text', 'gender text', 'price text', 'sale text', 'size text',
      'second_hand boolean', 'metadata text', 'country text', 'currency text', 'availability text',
      'color_names text[]', 'embedding_model text', 'image_embedding {{type}}'] end
  loop
    if not exists (select from information_schema.columns where table_schema = 'public'
        and table_name = {{name}} and column_name = split_part(wanted, ' ', 1)) then
      execute format('alter table public.%I add column %s', {{name}}, wanted);
    end if;
  end loop;
end $catwalk$;

-- A vector's width is part of its column: another one is a decision that a person makes.
do $catwalk$
declare
  found record;
begin
  for found in
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.atttypmod as width
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = format('public.%I', {{name}})::regclass and a.attnum > 0 and not a.attisdropped
      and a.attname in ('image_embedding', 'embedding') and t.typname in ('vector', 'halfvec')
  loop
    if found.width > 0 and found.width <> {{width}} then
      raise exception using
        errcode = 'CWW01',
        message = format('column %s of %s is %s, and vectors of %s numbers are wanted', found.name, {{name}},
          found.type, {{width}}),
        hint = format('to keep its vectors, use a model of %s numbers; to change it, which drops every vector: '
          'alter table public.%I alter column %I type {{type}} using null; then migrate again, and '
          'catwalk backfill --all', found.width, {{name}}, found.name);
    end if;
  end loop;
end $catwalk$;

-- The keys that rows are merged by.
do $catwalk$
declare
  keys text[];
  sets constant text[] := case when exists (select from information_schema.columns where table_schema = 'public'
      and table_name = {{name}} and column_name = 'external_id')
    then array['source,external_id'] else array['id', 'source,product_url'] end;
  one text;
  twice bigint;
begin
  foreach one in array sets loop
    keys := string_to_array(one, ',');
    continue when exists (
      select from pg_index i
      where i.indrelid = format('public.%I', {{name}})::regclass and i.indisunique and i.indpred is null
        and (select array_agg(a.attname::text order by a.attname::text) from pg_attribute a
             where a.attrelid = i.indrelid and a.attnum = any (i.indkey))
          = (select array_agg(k order by k) from unnest(keys) k));
    execute format('select count(*) from (select 1 from public.%I where %s is not null group by %s '
      'having count(*) > 1) d', {{name}}, keys[array_length(keys, 1)], one) into twice;
    if twice > 0 then
      raise exception using
        errcode = 'CWW02',
        message = format('%s keys (%s) of %s are there more than once', twice, one, {{name}}),
        hint = format('find them: select %1$s, count(*) from public.%2$I group by %1$s having count(*) > 1; '
          'delete all but one of each, then migrate again', one, {{name}});
    end if;
    execute format('alter table public.%I add constraint %I unique (%s)', {{name}},
      left({{name}} || '_' || replace(one, ',', '_'), 59) || '_key', one);
  end loop;
end $catwalk$;

-- Row security on; where it was off, everyone may still read. Grants are given by name.
do $catwalk$
begin
  if not (select relrowsecurity from pg_class where oid = format('public.%I', {{name}})::regclass) then
    execute format('alter table public.%I enable row level security', {{name}});
    if not exists (select from pg_policies where schemaname = 'public' and tablename = {{name}}) then
      execute format('create policy catwalk_read on public.%I for select using (true)', {{name}});
    end if;
  end if;
  if exists (select from pg_roles where rolname = 'service_role')
      and not (select bool_and(has_table_privilege('service_role', format('public.%I', {{name}}), p))
               from unnest(array['select', 'insert', 'update', 'delete']) p)
  then
    execute format('grant select, insert, update, delete on public.%I to service_role', {{name}});
  end if;
  if exists (select from pg_roles where rolname = 'anon')
      and exists (select from pg_roles where rolname = 'authenticated')
      and not (has_table_privilege('anon', format('public.%I', {{name}}), 'select')
               and has_table_privilege('authenticated', format('public.%I', {{name}}), 'select')) then
    execute format('grant select on public.%I to anon, authenticated', {{name}});
  end if;
end $catwalk$;
