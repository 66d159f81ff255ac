//! Vendor methods over Redfish: which there are and what they need. See the head of [`super`].

use serde_json::{Map, Value};

use super::{not_built, validate};
use crate::driver::traits::Done;
use crate::driver::{DriverError, Interface, Task, Vendor, VendorMethod};

pub struct RedfishVendor;

const METHODS: &[VendorMethod] = &[
    VendorMethod::new(
        "eject_vmedia",
        &["POST"],
        "Ejects virtual media. \"boot_device\" says which: cd, dvd, usb or floppy; all if it is missing.",
    ),
    VendorMethod::new(
        "create_subscription",
        &["POST"],
        "Subscribes to the BMC's events. Needs \"Destination\", a URL.",
    )
    .waited_for(),
    VendorMethod::new("delete_subscription", &["DELETE"], "Ends a subscription. Needs its \"id\".").waited_for(),
    VendorMethod::new("get_all_subscriptions", &["GET"], "Lists the subscriptions.").waited_for(),
    VendorMethod::new("get_subscription", &["GET"], "Shows a subscription. Needs its \"id\".").waited_for(),
];

impl Interface for RedfishVendor {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Vendor for RedfishVendor {
    fn methods(&self) -> &'static [VendorMethod] {
        METHODS
    }

    fn check<'a>(&'a self, task: &'a Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async move {
            match method {
                "create_subscription" => check_subscription(args)?,
                "delete_subscription" | "get_subscription" if !args.contains_key("id") => {
                    return Err(DriverError::misconfigured("id: this method needs the id of a subscription"));
                }
                _ => {}
            }
            self.validate(task).await
        })
    }

    fn call<'a>(&'a self, task: &'a mut Task, method: &'a str, _args: &'a Map<String, Value>) -> Done<'a, Value> {
        Box::pin(async move { not_built(task, &format!("do {method}")) })
    }
}

fn check_subscription(args: &Map<String, Value>) -> Result<(), DriverError> {
    let wrong = |key: &str, expected: &str| Err(DriverError::misconfigured(format!("{key}: expected {expected}")));
    for key in ["Context", "Protocol"] {
        if args.get(key).is_some_and(|value| !value.is_string()) {
            return wrong(key, "a string");
        }
    }
    for key in ["EventTypes", "HttpHeaders"] {
        if args.get(key).is_some_and(|value| !value.is_array() && !value.is_null()) {
            return wrong(key, "a list");
        }
    }
    match args.get("Destination").and_then(Value::as_str).and_then(|url| url.split_once("://")) {
        Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() => Ok(()),
        _ => wrong("Destination", "a URL"),
    }
}
