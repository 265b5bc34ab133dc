//! Score files to workloads: placeholders, limits, what is refused.

use super::*;
use windlass_api::planned::{Later, SecretReference};
use windlass_api::workload::Workload;

fn read(yaml: &str) -> Planned {
    Planned::Known(serde_saphyr::from_str(yaml).expect("the test's text is YAML"))
}

/// The workload as JSON, or what is wrong.
fn check(yaml: &str) -> String {
    convert(&read(yaml))
}

fn convert(document: &Planned) -> String {
    let request = Request {
        document,
        place: Place::Template,
        path: "score",
        name: "shop-app",
        replicas: Planned::Known(json!(2)),
        directory: Some(Planned::Known(json!("/srv"))),
    };
    match workload(&request) {
        Ok(found) => {
            if let Some(known) = found.known() {
                let typed: Result<Workload, _> = serde_json::from_value(known.clone());
                assert!(typed.is_ok(), "not a workload: {typed:?}");
            }
            serde_json::to_string_pretty(&found.to_json()).expect("a value prints")
        }
        Err(findings) => findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn a_whole_workload() {
    insta::assert_snapshot!(check(r"
metadata: {name: hello}
containers:
  web:
    image: .
    command: [sh, -c]
    args: ['echo ${HOME}']
    variables: {NAME: '${metadata.name} costs $$5', PATH_: '${resources.url.path}'}
    files: {/etc/app.conf: {content: 'name=${metadata.name}', mode: '0644'}, /raw: {content: '${x}', noExpand: true}}
    resources: {limits: {cpu: 500m, memory: 128Mi}}
    readinessProbe: {httpGet: {path: /healthz, port: 8080, httpHeaders: [{name: X-A, value: b}]}}
service: {ports: {http: {port: 80, targetPort: 8080}, admin: {port: 81}}}
resources: {url: {type: route, params: {port: http, path: /shop}}}
"), @r#"
    {
      "name": "shop-app",
      "replicas": 2,
      "directory": "/srv",
      "containers": {
        "web": {
          "image": ".",
          "args": [
            "echo ${HOME}"
          ],
          "command": [
            "sh",
            "-c"
          ],
          "variables": {
            "NAME": "hello costs $5",
            "PATH_": "/shop"
          },
          "files": {
            "/etc/app.conf": {
              "content": "name=hello",
              "mode": "0644"
            },
            "/raw": {
              "content": "${x}"
            }
          },
          "limits": {
            "cpu": "500m",
            "memory": "128Mi"
          },
          "readinessProbe": {
            "httpGet": {
              "path": "/healthz",
              "port": 8080,
              "headers": [
                [
                  "X-A",
                  "b"
                ]
              ]
            }
          }
        }
      },
      "ports": {
        "http": {
          "port": 80,
          "targetPort": 8080
        },
        "admin": {
          "port": 81
        }
      },
      "routes": {
        "url": {
          "port": 80,
          "path": "/shop"
        }
      }
    }
    "#);
}

#[test]
fn what_is_wrong_is_said_with_the_way_out() {
    insta::assert_snapshot!(check(r"
containers:
  w: {image: x}
  web: {image: 1, imagee: x, resources: {limits: {cpu: 4Gi, memory: 100m}}, readinessProbe: {}, files: {/a: {content: x, source: z}}}
service: {ports: {http: {port: 70000}}}
more: {}
"), @r#"
    error[InvalidScore] score.containers.w: the name `w` is not 2 to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit
    error[InvalidScore] score.containers.web.image: it must be a text, but it is `1`
      hint: put it in quotes: `"1"`
    error[UnknownField] score.containers.web.imagee: Score has no field `imagee` here
      hint: the fields are: image, command, args, variables, files, volumes, before, resources, livenessProbe, readinessProbe
    error[InvalidScore] score.containers.web.resources.limits.cpu: `4Gi` is not a number of processors such as `2`, `0.5` or `500m`
    error[InvalidScore] score.containers.web.resources.limits.memory: `100m` is not an amount of memory such as `128Mi` or `1.5G`
    error[InvalidScore] score.service.ports.http.port: `70000` is not a whole number from 1 to 65535
    error[UnknownField] score.more: Score has no field `more` here
      hint: the fields are: apiVersion, metadata, service, containers, resources
    error[InvalidScore] score.containers.web.readinessProbe: it asks for nothing; give it `httpGet` or `exec`
    error[InvalidScore] score.containers.web.files["/a"]: a file has exactly one of `content`, `source` and `binaryContent`
    "#);
    insta::assert_snapshot!(check(r"
containers:
  web: {image: ., variables: {A: '${resources.db.host}', B: '${metadata.x}', C: '${user}', D: '${resources.url.user}'}, volumes: {/d: {source: x}}}
service: {ports: {http: {port: 80}}}
resources: {url: {type: route, params: {port: https}}, data: {type: volume}, pg: {type: postgres}}
"), @r#"
    error[UnknownName] score.containers.web.variables.A: `${resources.db.host}`: the resources are: url, data, pg
      hint: write `$$` for a dollar sign
    error[UnknownName] score.containers.web.variables.B: `${metadata.x}`: there is no `x`
      hint: write `$$` for a dollar sign
    error[UnknownName] score.containers.web.variables.C: `${user}`: `user` is neither `metadata` nor `resources`; write `$${...}` for text that is not a placeholder
      hint: write `$$` for a dollar sign
    error[UnknownName] score.containers.web.variables.D: `${resources.url.user}`: a route has no output `user`; it has host, path and port
      hint: write `$$` for a dollar sign
    error[NotSupported] score.containers.web.volumes: `volumes` is not supported yet
      hint: let the program write into its directory, or make the volume a node of its own
    error[UnknownName] score.resources.url.params.port: the service has no port `https`
      hint: its ports are: http
    error[NotSupported] score.resources.data.type: resources of type `volume` are not supported yet
      hint: let the program write into its directory
    error[NotSupported] score.resources.pg.type: resources of type `postgres` are not supported yet
      hint: make it a node of its own and pass its outputs in `variables`, such as `${db.outputs.url}`
    "#);
}

#[test]
fn values_may_come_later_or_be_secret() {
    let later = Planned::Later(Later { type_: "string".into(), because: vec!["db.outputs.url".into()] });
    let secret = Planned::Secret(SecretReference { reference: None, fingerprint: "ab".into() });
    let document = Planned::map(vec![(
        "containers".into(),
        Planned::map(vec![(
            "web".into(),
            Planned::map(vec![
                ("image".into(), Planned::Known(json!("nginx"))),
                ("variables".into(), Planned::map(vec![("URL".into(), later), ("PASSWORD".into(), secret)])),
            ]),
        )]),
    )]);
    insta::assert_snapshot!(convert(&document), @r#"
    {
      "name": "shop-app",
      "replicas": 2,
      "directory": "/srv",
      "containers": {
        "web": {
          "image": "nginx",
          "variables": {
            "URL": {
              "$later": {
                "type": "string",
                "because": [
                  "db.outputs.url"
                ]
              }
            },
            "PASSWORD": {
              "$secret": {
                "fingerprint": "ab"
              }
            }
          }
        }
      }
    }
    "#);
}

#[test]
fn nothing_to_run_is_refused() {
    let document = read("containers: {web: {image: .}}");
    let request = Request {
        document: &document,
        place: Place::Template,
        path: "score",
        name: "x",
        replicas: Planned::Known(json!(1)),
        directory: Some(Planned::Known(json!(""))),
    };
    let found = workload(&request).expect_err("there is nothing to run");
    assert_eq!(found[0].code, "NothingToRun");
}
