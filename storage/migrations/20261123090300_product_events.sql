-- Optional: what happened to products, for the app to see.
create table if not exists public.product_events (
  id bigint generated always as identity primary key,
  product_id text not null,
  event text not null check (event in ('new', 'price_drop', 'back_in_stock', 'gone')),
  details jsonb not null default '{}',
  at timestamptz not null default now()
);
create index if not exists product_events_at on public.product_events (at);
create index if not exists product_events_product on public.product_events (product_id, at);

do $catwalk$
declare
  marker constant text := 'catwalk 1';
  body text := $f$
create or replace function public.catwalk_product_event() returns trigger
language plpgsql security definer set search_path = '' as $body$
declare
  before jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
  after jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
  was numeric; is_now numeric;
begin
  if tg_op = 'INSERT' then
    insert into public.product_events (product_id, event) values (after ->> 'id', 'new');
    return null;
  elsif tg_op = 'DELETE' then
    insert into public.product_events (product_id, event, details)
      values (before ->> 'id', 'gone', jsonb_build_object('title', before -> 'title'));
    return null;
  end if;
  if before ->> 'availability' = 'out_of_stock' and after ->> 'availability' = 'in_stock' then
    insert into public.product_events (product_id, event) values (after ->> 'id', 'back_in_stock');
  end if;
  -- As numbers where the table has them; a text such as 49.9USD by its number, in the same currency.
  was := coalesce((before ->> 'sale_amount')::numeric, (before ->> 'price_amount')::numeric,
    substring(before ->> 'price' from '^\d+(?:\.\d+)?')::numeric);
  is_now := coalesce((after ->> 'sale_amount')::numeric, (after ->> 'price_amount')::numeric,
    substring(after ->> 'price' from '^\d+(?:\.\d+)?')::numeric);
  if is_now < was and coalesce(before ->> 'currency', '') = coalesce(after ->> 'currency', '') then
    insert into public.product_events (product_id, event, details)
      values (after ->> 'id', 'price_drop', jsonb_build_object('from', was, 'to', is_now));
  end if;
  return null;
end $body$$f$;
begin
  if obj_description(to_regprocedure('public.catwalk_product_event()'), 'pg_proc')
      is distinct from marker || ' ' || md5(body) then
    execute body;
    execute format('comment on function public.catwalk_product_event() is %L', marker || ' ' || md5(body));
    revoke execute on function public.catwalk_product_event() from public;
  end if;
  if not exists (select from pg_trigger where tgrelid = format('public.%I', {{name}})::regclass
      and tgname = 'catwalk_product_event') then
    execute format('create trigger catwalk_product_event after insert or update or delete on public.%I '
      'for each row execute function public.catwalk_product_event()', {{name}});
  end if;
  if not (select relrowsecurity from pg_class where oid = 'public.product_events'::regclass) then
    alter table public.product_events enable row level security;
    create policy catwalk_read on public.product_events for select using (true);
  end if;
  if exists (select from pg_roles where rolname = 'service_role')
      and not (has_table_privilege('service_role', 'public.product_events', 'insert')
               and has_table_privilege('anon', 'public.product_events', 'select')) then
    grant select, insert, update, delete on public.product_events to service_role;
    grant select on public.product_events to anon, authenticated;
  end if;
end $catwalk$;
