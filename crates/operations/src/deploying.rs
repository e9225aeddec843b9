//! Deploying: new releases of services, built or given, rolled out.

use std::collections::BTreeMap;

use diag::{Diagnostic, Diagnostics};
use engine::{Address, DeploymentKind, Release, Target};
use fleet::TagsAnew;

use crate::applying::{Locked, Report};
use crate::planning::{PlanOptions, Planned, Watch};
use crate::{Fault, Session, build_images, clock, images};

/// What to deploy.
#[derive(Debug, Clone, Default)]
pub struct DeployRequest {
    /// The services; none: all.
    pub services: Vec<String>,
    /// The release to take instead of building one: a digest or the beginning of one.
    pub release: Option<String>,
    /// Whether pins of services that change are let go.
    pub unpins: bool,
}

/// Builds the services' images, asks registries for what their tags stand for now, or takes the given release, and rolls them out.
///
/// # Errors
/// If nothing could be tried. What was tried and failed is in the report.
pub async fn deploy(
    session: &Session,
    request: DeployRequest,
    watch: &Watch,
    confirm: impl FnOnce(&Planned) -> Result<bool, Fault>,
) -> Result<Option<Report>, Fault> {
    let names = image_names(session, &request.services)?;
    let pins = match &request.release {
        Some(release) => given_release(session, &request.services, &names, release)?,
        None => {
            let declared: Vec<String> =
                names.into_iter().filter(|n| session.description.declares_image(n)).collect();
            // None named would mean all of them.
            let built = if declared.is_empty() {
                Vec::new()
            } else {
                build_images(session, &declared, false, watch).await?
            };
            images::releases(&built, clock::now_ms())
        }
    };
    let locked = Locked::enter(session, "deploy", watch).await?.unpinning(request.unpins);
    let result = async {
        let mut releases = session.store.releases(&session.environment).await?;
        releases.extend(pins);
        let targets = request.services.iter().map(|s| Target::Resource(service_address(s))).collect();
        let tags_anew = match (&request.release, request.services.as_slice()) {
            (Some(_), _) => TagsAnew::None,
            (None, []) => TagsAnew::All,
            (None, services) => TagsAnew::Of(services.iter().cloned().collect()),
        };
        let options = PlanOptions { destroy: false, targets, tags_anew, ..PlanOptions::default() };
        let planned = locked.plan(session.description.clone(), releases, &options).await?;
        locked.execute(planned, DeploymentKind::Deploy, confirm).await
    }
    .await;
    locked.leave(result).await
}

fn service_address(name: &str) -> Address {
    Address::new("service", name)
}

/// The images of these services; a service that is not declared is a fault.
fn image_names(session: &Session, services: &[String]) -> Result<Vec<String>, Fault> {
    let declared = session.description.service_images();
    let unknown = services.iter().filter_map(|service| session.description.unknown_service(service));
    let faults: Vec<Diagnostic> = unknown.collect();
    if !faults.is_empty() {
        return Err(Fault::Usage(Diagnostics(faults)));
    }
    let wanted = |name: &String| services.is_empty() || services.contains(name);
    let mut images: Vec<String> = declared
        .iter()
        .filter(|(service, _)| wanted(service))
        .filter_map(|(_, image)| image.clone())
        .collect();
    images.sort();
    images.dedup();
    Ok(images)
}

fn given_release(
    session: &Session,
    services: &[String],
    images: &[String],
    release: &str,
) -> Result<BTreeMap<String, Release>, Fault> {
    let ([_], [image]) = (services, images) else {
        return Err(Fault::usage(
            "`--release` goes with one service that has an image",
            "name the service: `mainstay deploy web --release sha256:…`",
        ));
    };
    let digest = images::find(session, release)?;
    Ok(BTreeMap::from([(image.clone(), Release { digest, version: None, created_at_ms: clock::now_ms() })]))
}
