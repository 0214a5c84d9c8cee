select jsonb_build_object(
  'exists', r.oid is not null,
  'role', current_user,
  'bypasses_row_security', (select rolbypassrls or rolsuper from pg_roles where rolname = current_user),
  'row_security', coalesce((select relrowsecurity from pg_class where oid = r.oid), false),
  'pgvector', (select extversion from pg_extension where extname = 'vector'),
  'columns', coalesce((select jsonb_object_agg(attname, format_type(atttypid, atttypmod)) from pg_attribute
    where attrelid = r.oid and attnum > 0 and not attisdropped), '{}'),
  'required', coalesce((select jsonb_agg(attname order by attnum) from pg_attribute
    where attrelid = r.oid and attnum > 0 and not attisdropped and attnotnull and not atthasdef
      and attidentity = '' and attgenerated = ''), '[]'),
  'unique_keys', coalesce((select jsonb_agg((select jsonb_agg(a.attname order by k.place)
      from unnest(i.indkey::int[]) with ordinality k (number, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number))
    from pg_index i where i.indrelid = r.oid and i.indisunique and i.indpred is null and i.indexprs is null), '[]'),
  'searchable', coalesce((select jsonb_agg(a.attname) from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = r.oid and m.amname in ('hnsw', 'ivfflat')), '[]'),
  'triggers', coalesce((select jsonb_agg(jsonb_build_object('name', t.tgname,
      'function', t.tgfoid::regproc::text,
      'calls_out', t.tgfoid::regproc::text like '%http_request%' or p.prosrc ~* 'net\.http|http_(get|post)|dblink')
      order by t.tgname)
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = r.oid and not t.tgisinternal and t.tgenabled <> 'D'), '[]'),
  'rows', (select greatest(reltuples, 0)::bigint from pg_class where oid = r.oid),
  'bytes', pg_total_relation_size(r.oid),
  'database_bytes', pg_database_size(current_database()),
  'functions', coalesce((select jsonb_agg(distinct proname) from pg_proc
    where pronamespace = 'public'::regnamespace and proname in ('match_products', 'catwalk_set_vectors')), '[]'))
from (select to_regclass('public.' || quote_ident({{name}})) as oid) r
