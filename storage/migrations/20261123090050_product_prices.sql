-- Optional: prices as numbers, for filters.
alter table public.{{table}} add column if not exists price_amount numeric;
alter table public.{{table}} add column if not exists price_currency text;
alter table public.{{table}} add column if not exists sale_amount numeric;
