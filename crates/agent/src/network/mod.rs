//! The private network of one agent's containers: a bridge, and for each container a network namespace that one cable
//! leads into. Containers reach each other and the machine; there is no way to the outside yet (no address translation).
//!
//! With a Docker Engine on the machine, its firewall rules may drop what passes between containers of another bridge
//! (`FORWARD` policy and `bridge-nf-call-iptables`); nothing is done about that here.

mod subnet;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt;
use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute};
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder};
use serde::{Deserialize, Serialize};

use crate::data_dir::{DataDir, mark};
use crate::record;
use subnet::Subnet;

/// The bridge of an agent and the addresses on it.
#[derive(Debug)]
pub(crate) struct Network {
    bridge: String,
    mark: String,
    subnet: Subnet,
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    taken: BTreeSet<Ipv4Addr>,
    last: Option<Ipv4Addr>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Persisted {
    subnet: Subnet,
}

impl Network {
    /// Makes the bridge, or finds it again with the range that it had.
    pub(crate) async fn prepare(dir: &DataDir) -> io::Result<Self> {
        let (bridge, path) = (format!("ms-{}", dir.mark()), dir.network());
        let handle = connect()?;
        let there = index(&handle, &bridge).await?;
        let routes = routes(&handle, there).await?;
        let persisted =
            record::read_json::<Persisted>(&path).ok().flatten().map(|persisted| persisted.subnet);
        let free = persisted
            .filter(|subnet| !routes.iter().any(|route| route.prefix() != 0 && route.overlaps(*subnet)));
        let seed = u32::from_str_radix(&dir.mark(), 16).unwrap_or(0);
        let subnet = free
            .or_else(|| Subnet::choose(seed, &routes))
            .ok_or_else(|| io::Error::other("every range from 10.213.0.0 to 10.220.255.255 is in use"))?;
        record::write_json(&path, &Persisted { subnet })?;
        if there.is_none() {
            netlink(handle.link().add(LinkBridge::new(&bridge).build()).execute().await)?;
        }
        let at =
            index(&handle, &bridge).await?.ok_or_else(|| io::Error::other("the bridge is gone again"))?;
        let address = handle.address().add(at, IpAddr::V4(subnet.gateway()), subnet.prefix()).replace();
        netlink(address.execute().await)?;
        netlink(handle.link().set(LinkUnspec::new_with_index(at).up().build()).execute().await)?;
        Ok(Self { bridge, mark: dir.mark(), subnet, addresses: Mutex::default() })
    }

    /// The machine's address on the bridge.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        self.subnet.gateway()
    }

    /// Takes a free address.
    pub(crate) fn allocate(&self) -> Option<Ipv4Addr> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.subnet.allocate(addresses.last, &addresses.taken)?;
        addresses.last = Some(found);
        addresses.taken.insert(found);
        Some(found)
    }

    /// Marks the address of an instance that was found again as taken.
    pub(crate) fn keep(&self, address: &str) {
        if let Ok(address) = address.parse() {
            self.addresses.lock().unwrap_or_else(PoisonError::into_inner).taken.insert(address);
        }
    }

    /// Gives an address back.
    pub(crate) fn release(&self, address: &str) {
        if let Ok(address) = address.parse::<Ipv4Addr>() {
            self.addresses.lock().unwrap_or_else(PoisonError::into_inner).taken.remove(&address);
        }
    }

    /// Makes a network namespace with one cable to the bridge. It lives as long as the file, or a copy of it, is open.
    pub(crate) async fn attach(&self, id: &str, address: Ipv4Addr) -> io::Result<File> {
        let namespace = on_own_thread(|| async {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        })
        .await?;
        let handle = connect()?;
        let hash = mark(&format!("{}/{id}", self.mark));
        let (outside, inside) = (format!("mv-{hash}"), format!("mi-{hash}"));
        if let Some(stale) = index(&handle, &outside).await? {
            netlink(handle.link().del(stale).execute().await)?;
        }
        let bridge =
            index(&handle, &self.bridge).await?.ok_or_else(|| io::Error::other("the bridge is gone"))?;
        netlink(handle.link().add(LinkVeth::new(&outside, &inside).build()).execute().await)?;
        let moved = LinkUnspec::new_with_name(&inside).setns_by_fd(namespace.as_raw_fd()).build();
        netlink(handle.link().set(moved).execute().await)?;
        let plugged = LinkUnspec::new_with_name(&outside).controller(bridge).up().build();
        netlink(handle.link().set(plugged).execute().await)?;
        let (copy, prefix) = (namespace.try_clone()?, self.subnet.prefix());
        on_own_thread(move || async move {
            setns(&copy, CloneFlags::CLONE_NEWNET)?;
            configure_inside(&inside, address, prefix).await
        })
        .await?;
        Ok(namespace)
    }

    /// Takes the bridge away. The cables of running containers would hang loose: stop them first.
    pub(crate) async fn remove(&self) -> io::Result<()> {
        let handle = connect()?;
        match index(&handle, &self.bridge).await? {
            Some(bridge) => netlink(handle.link().del(bridge).execute().await),
            None => Ok(()),
        }
    }
}

async fn configure_inside(cable: &str, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
    let handle = connect()?;
    let there = index(&handle, cable).await?.ok_or_else(|| io::Error::other("the cable did not arrive"))?;
    // A hardware address that follows from the network address: whoever remembers it for an address that is given out
    // again is right.
    let mut hardware = vec![0x02, 0x6d];
    hardware.extend_from_slice(&address.octets());
    let renamed = LinkUnspec::new_with_index(there).name("eth0").address(hardware).build();
    netlink(handle.link().set(renamed).execute().await)?;
    netlink(handle.address().add(there, IpAddr::V4(address), prefix).execute().await)?;
    netlink(handle.link().set(LinkUnspec::new_with_index(there).up().build()).execute().await)?;
    netlink(handle.link().set(LinkUnspec::new_with_name("lo").up().build()).execute().await)?;
    // A program that is not root may listen on any port of a network that is its own.
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
}

/// Runs a future on a thread that ends with it: a thread that has entered another network must not do anything else.
async fn on_own_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>>,
{
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("network".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = runtime.and_then(|runtime| runtime.block_on(work()));
        // Whoever asked may have gone away.
        let _ = answer.send(result);
    })?;
    answered.await.map_err(|_| io::Error::other("the network's thread ended early"))?
}

fn connect() -> io::Result<Handle> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    tokio::spawn(connection);
    Ok(handle)
}

fn netlink<T>(result: Result<T, rtnetlink::Error>) -> io::Result<T> {
    result.map_err(|fault| match &fault {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        _ => io::Error::other(fault.to_string()),
    })
}

async fn index(handle: &Handle, name: &str) -> io::Result<Option<u32>> {
    let mut links = handle.link().get().match_name(name.to_owned()).execute();
    match netlink(links.try_next().await) {
        Ok(link) => Ok(link.map(|link| link.header.index)),
        Err(fault) if fault.raw_os_error() == Some(nix::libc::ENODEV) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Where the machine's routes lead, without those of the interface `own`.
async fn routes(handle: &Handle, own: Option<u32>) -> io::Result<Vec<Subnet>> {
    let mut found = Vec::new();
    let mut routes = handle.route().get(RouteMessageBuilder::<Ipv4Addr>::new().build()).execute();
    while let Some(route) = netlink(routes.try_next().await)? {
        let mut destination = Ipv4Addr::UNSPECIFIED;
        let mut interface = None;
        for attribute in &route.attributes {
            match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = *address,
                RouteAttribute::Oif(index) => interface = Some(*index),
                _ => {}
            }
        }
        if own.is_none() || interface != own {
            found.push(Subnet::new(destination, route.header.destination_prefix_length));
        }
    }
    Ok(found)
}
