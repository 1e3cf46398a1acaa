-- From the published Olist CSVs to the current state and the ledger of counts, in DuckDB.
--
-- The other side of `python -m benchmarks olist`: the same tables from the same files, with the
-- same business days. It is for files as they were published: it neither keeps nor explains a
-- record that breaks its contract, knows one version of everything, and writes all at once.
-- Schema csv holds the files, every column as text; silver is what comes of them.

create schema silver;

create macro later(text) as timezone('America/Sao_Paulo', cast(text as timestamp));
create macro instant(text) as case  -- of an hour that the clocks show twice, the first
    when substr(text, 12, 2) = '23'
        and timezone('America/Sao_Paulo', later(text) - interval 1 hour) = cast(text as timestamp)
    then later(text) - interval 1 hour else later(text) end;
create macro end_of(text) as
    timezone('America/Sao_Paulo', cast(cast(text as date) + 1 as timestamp)) - interval 1 microsecond;
create macro day_of(moment) as cast(timezone('America/Sao_Paulo', moment) as date);
create macro month_of(moment) as cast(date_trunc('month', day_of(moment)) as date);
create macro cents(text) as cast(cast(text as decimal(18, 2)) * 100 as bigint);
create macro us_between(a, b) as greatest(0, epoch_us(b) - epoch_us(a));

-- What the rest is made of.

create temp table placed as
select order_id, customer_id, customer_unique_id as buyer_id, customer_state as region,
       order_status as status, instant(order_purchase_timestamp) as placed_at,
       instant(order_approved_at) as approved_at,
       instant(order_delivered_carrier_date) as carried_at,
       instant(order_delivered_customer_date) as arrived_at,
       end_of(order_estimated_delivery_date) as deliver_by,
       greatest(placed_at, approved_at, carried_at, arrived_at) as last_at,
       case when status in ('canceled', 'unavailable') then last_at end as cancelled_at,
       coalesce(arrived_at, case when status = 'delivered' then last_at end) as delivered_at
from csv.orders left join csv.customers using (customer_id);

create temp table categories as
select product_id, coalesce(product_category_name_english, product_category_name) as category,
       cast(product_photos_qty as int) as image_count
from csv.products left join csv.translations using (product_category_name);

-- The current state.

create table silver.order_items as
select order_id, cast(order_item_id as int) as line_no, seller_id,
       product_id || '@' || seller_id as listing_id, category, 1 as quantity,
       cents(price) as unit_price_minor, cents(price) as line_total_minor,
       cents(freight_value) as shipping_minor, 'BRL' as currency,
       instant(shipping_limit_date) as ship_by, deliver_by, placed_at as occurred_at,
       month_of(placed_at) as occurred_month, product_id
from csv.items join placed using (order_id) left join categories using (product_id);

create table silver.sellers as
select seller_id, 'BR' as marketplace, 'BRL' as currency, any_value(seller_state) as region,
       min(occurred_at) as occurred_at
from silver.order_items left join csv.sellers using (seller_id) group by seller_id;

create table silver.buyers as
select buyer_id, 'BR' as country, arg_min(region, (placed_at, order_id)) as region,
       min(placed_at) as occurred_at
from placed where buyer_id is not null group by buyer_id;

create table silver.listings as
select listing_id, seller_id, product_id, any_value(i.category) as category,
       arg_min(unit_price_minor, (occurred_at, order_id, line_no)) as price_minor,
       'BRL' as currency, any_value(image_count) as image_count, min(occurred_at) as occurred_at
from silver.order_items i left join categories using (product_id)
group by listing_id, seller_id, product_id;

create table silver.payments as
select order_id, cast(payment_sequential as int) as payment_no,
       case payment_type when 'credit_card' then 'card' when 'boleto' then 'cash_slip'
            when 'not_defined' then null else payment_type end as method,
       cents(payment_value) as amount_minor, 'BRL' as currency,
       cast(payment_installments as int) as installments,
       coalesce(approved_at, placed_at) as occurred_at, month_of(occurred_at) as occurred_month
from csv.payments join placed using (order_id);

create table silver.order_events as
select order_id || ':' || event as order_event_id, order_id, event, reason, happened_at as occurred_at,
       month_of(happened_at) as occurred_month
from (select order_id, 'paid' as event, null as reason, approved_at as happened_at
      from placed
      union all
      select order_id, 'cancelled', status, cancelled_at from placed)
where happened_at is not null;

create table silver.shipments as
select order_id || '@' || seller_id as shipment_id, order_id, seller_id,
       list_sort(list(line_no)) as line_nos, p.carried_at as shipped_at, p.delivered_at,
       least(p.carried_at, p.delivered_at) as first_at, month_of(first_at) as occurred_month
from silver.order_items join placed p using (order_id)
where p.carried_at is not null or p.delivered_at is not null
group by order_id, seller_id, p.carried_at, p.delivered_at;

create temp table one_seller as
select order_id, any_value(seller_id) as seller_id,
       case when count(*) = 1 then any_value(listing_id) end as listing_id
from silver.order_items group by order_id having count(distinct seller_id) = 1;

create table silver.reviews as
select review_id || ':' || order_id as review_id, order_id, buyer_id, seller_id, listing_id,
       cast(review_score as int) as stars, review_comment_message as text,
       instant(review_answer_timestamp) as occurred_at, month_of(occurred_at) as occurred_month
from csv.reviews left join placed using (order_id) left join one_seller using (order_id);

create table silver.orders as
with come as (
    select order_id, count(*) as lines, sum(unit_price_minor + shipping_minor) as total_minor,
           sum(shipping_minor) as shipping_minor
    from silver.order_items group by order_id
), paid as (
    select order_id, sum(amount_minor) as paid_minor,
           any_value(method) filter (payment_no = 1) as method
    from silver.payments group by order_id
)
select order_id, buyer_id, 'BRL' as currency, total_minor, shipping_minor,
       method as payment_method, 'BR' as shipping_country, region as shipping_region,
       placed_at as occurred_at, month_of(placed_at) as occurred_month,
       case when cancelled_at is not null then 'cancelled'
            when lines > 0 and p.delivered_at is not null then 'delivered'
            when lines > 0 and carried_at is not null then 'shipped'
            when approved_at is not null then 'paid' else 'placed' end as status,
       coalesce(lines, 0) as lines, approved_at as paid_at,
       case when lines > 0 then carried_at end as shipped_at,
       case when lines > 0 and cancelled_at is null then p.delivered_at end as delivered_at,
       cancelled_at, coalesce(paid_minor, 0) as paid_minor,
       case when lines > 0 and p.delivered_at > deliver_by then p.delivered_at end as late_at
from placed p left join come using (order_id) left join paid using (order_id);

-- The ledger: what happened on a day, by the day on which it was known (the last of its facts').

set variable last_ds = (
    select greatest(max(day_of(last_at)), (select max(day_of(occurred_at)) from silver.reviews))
    from placed);

create temp table line_times as
select i.*, i.occurred_at as placed_at, day_of(i.occurred_at) as placed_ds, approved_at,
       cancelled_at, carried_at as shipped_at, p.delivered_at, day_of(ship_by) as due_ds,
       day_of(carried_at) as shipped_ds, day_of(p.delivered_at) as delivered_ds
from silver.order_items i join placed p using (order_id);

create temp table seller_orders as
select order_id, seller_id, any_value(buyer_id) as buyer_id, min(i.occurred_at) as placed_at,
       day_of(min(i.occurred_at)) as placed_ds
from silver.order_items i join placed using (order_id) group by order_id, seller_id;

create table silver.seller_buyer_orders as
select seller_id, buyer_id, order_id, 'BRL' as currency, placed_at, placed_ds as known_ds
from seller_orders where buyer_id is not null;

create table silver.seller_category_days as
select seller_id, category, currency, placed_ds as occurred_ds, placed_ds as known_ds,
       count(*) as lines_placed, sum(line_total_minor) as gmv_minor
from line_times where category is not null group by all;

create temp table defective as
select order_id, seller_id, min(day_of(occurred_at)) as known_ds
from silver.reviews where stars <= 2 and seller_id is not null group by all;

create temp table contributions as
select seller_id, currency, placed_ds as occurred_ds, placed_ds as known_ds, 1 as lines_placed,
       quantity as units_placed, line_total_minor as gmv_minor
from line_times
union all by name
select seller_id, currency, due_ds as occurred_ds, greatest(due_ds, placed_ds) as known_ds,
       1 as lines_due, cast(coalesce(shipped_at <= ship_by, false) as int) as lines_due_on_time
from line_times
where due_ds <= getvariable('last_ds') and not coalesce(cancelled_at <= ship_by, false)
union all by name
select seller_id, currency, shipped_ds as occurred_ds, greatest(shipped_ds, placed_ds) as known_ds,
       1 as lines_shipped, cast(shipped_at > ship_by as int) as lines_shipped_late,
       us_between(coalesce(approved_at, placed_at), shipped_at) as handling_us
from line_times where shipped_ds is not null
union all by name
select seller_id, currency, delivered_ds as occurred_ds,
       greatest(delivered_ds, placed_ds) as known_ds, 1 as lines_delivered,
       quantity as units_delivered, 1 as lines_delivered_promised,
       cast(delivered_at <= deliver_by as int) as lines_delivered_on_time
from line_times where delivered_ds is not null
union all by name
select seller_id, 'BRL' as currency, placed_ds as occurred_ds, placed_ds as known_ds,
       1 as orders_placed,
       cast(buyer_id is not null and placed_at > min(placed_at) over (
           partition by seller_id, buyer_id) as int) as orders_repeat
from seller_orders
union all by name
select seller_id, 'BRL' as currency, placed_ds as occurred_ds,
       greatest(placed_ds, defective.known_ds) as known_ds, 1 as orders_defective
from seller_orders join defective using (order_id, seller_id)
union all by name
select seller_id, 'XXX' as currency, day_of(shipped_at) as occurred_ds, occurred_ds as known_ds,
       1 as shipments_shipped
from silver.shipments where shipped_at is not null
union all by name
select seller_id, 'XXX' as currency, day_of(occurred_at) as occurred_ds, occurred_ds as known_ds,
       1 as reviews, cast(stars <= 2 as int) as reviews_negative, stars as review_stars
from silver.reviews where seller_id is not null;

create table silver.seller_days as
select seller_id, currency, occurred_ds, known_ds,
       coalesce(sum(columns(* exclude (seller_id, currency, occurred_ds, known_ds))), 0)
from contributions group by seller_id, currency, occurred_ds, known_ds;

create table silver.seller_state as
select seller_id, day_of(l.occurred_at) as known_ds, any_value(s.region) as region
from silver.listings l join silver.sellers s using (seller_id) group by all;

create table silver.buyer_orders as
select buyer_id, order_id, currency, occurred_at as placed_at, day_of(occurred_at) as known_ds
from silver.orders where buyer_id is not null;

create table silver.region_days as
select shipping_country as country, coalesce(shipping_region, '') as region, currency,
       day_of(occurred_at) as occurred_ds, occurred_ds as known_ds, count(*) as orders,
       coalesce(sum(total_minor), 0) as total_minor
from silver.orders group by all;

create temp table buyer_contributions as
select buyer_id, currency, day_of(occurred_at) as occurred_ds, occurred_ds as known_ds,
       1 as orders, total_minor,
       cast((occurred_at, order_id) = min((occurred_at, order_id)) over (
           partition by buyer_id) as int) as first_orders
from silver.orders where buyer_id is not null
union all by name
select buyer_id, currency, day_of(occurred_at) as occurred_ds,
       greatest(occurred_ds, day_of(cancelled_at)) as known_ds, 1 as orders_cancelled
from silver.orders where buyer_id is not null and cancelled_at is not null
union all by name
select buyer_id, currency, day_of(occurred_at) as occurred_ds,
       greatest(occurred_ds, day_of(delivered_at)) as known_ds, 1 as orders_delivered,
       us_between(occurred_at, delivered_at) as delivery_us, 1 as orders_promised
from silver.orders where buyer_id is not null and delivered_at is not null
union all by name
select buyer_id, currency, day_of(occurred_at) as occurred_ds,
       greatest(occurred_ds, day_of(late_at)) as known_ds, 1 as orders_late
from silver.orders where buyer_id is not null and late_at is not null;

create table silver.buyer_days as
select buyer_id, currency, occurred_ds, known_ds,
       coalesce(sum(columns(* exclude (buyer_id, currency, occurred_ds, known_ds))), 0)
from buyer_contributions group by buyer_id, currency, occurred_ds, known_ds;
