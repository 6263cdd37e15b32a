use bantam_data::{edge_json, prompt, item::Level, schemas::SchemaSet, packing::Example};
use bantam_formats::*;
use bantam_train::*;
use std::{path::Path, time::Instant};
#[derive(serde::Deserialize)]
struct Exp { data: edge_json::GenerateConfig, vocab: usize, width: usize, layers: usize, heads: usize, kv: usize, ffn: usize, max_pos: usize, train: TrainConfig, seed: u64 }
struct Obs { t: Instant, tok: usize, tgt: usize, loss: f64, n: f64, all: usize }
impl Observer for Obs {
    fn started(&mut self, s: u64) -> bantam_core::Result<()> { println!("start {s}"); Ok(()) }
    fn stepped(&mut self, s: u64, r: &StepReport) -> bantam_core::Result<Control> {
        self.tok += r.tokens; self.tgt += r.target_tokens; self.loss += r.loss * r.target_tokens as f64; self.n += r.target_tokens as f64; self.all += r.tokens;
        if s % 50 == 0 { println!("{s} loss {:.4} gn {:.2} lr {:.2e} {:.0} tok/s total {} t {:.0}", self.loss / self.n, r.gradient_norm, r.learning_rate, self.all as f64 / self.t.elapsed().as_secs_f64(), self.all, self.t.elapsed().as_secs_f64()); self.loss = 0.; self.n = 0.; }
        Ok(Control::Continue) }
    fn validated(&mut self, s: u64, v: &Validation) -> bantam_core::Result<()> { println!("== {s} valid loss {:.4} bpb {:.4} acc {:.4}", v.loss, v.bits_per_byte, v.token_accuracy); Ok(()) }
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let e: Exp = serde_json::from_str(&std::fs::read_to_string(&args[1]).unwrap()).unwrap();
    let out = Path::new(&args[2]);
    let t = Instant::now();
    let d = edge_json::generate(&e.data).unwrap();
    println!("data {:.1}s schemas {}", t.elapsed().as_secs_f64(), d.schemas.len());
    d.write(&out.join("data")).unwrap();
    let schemas = SchemaSet::load(&out.join("data/schemas")).unwrap();
    let t = Instant::now();
    let texts = d.train.iter().take(12000).flat_map(|i| { let s = schemas.get(&i.schema_id).unwrap(); [i.prompt.clone(), prompt::schema_signature(s), prompt::canonical_answer(&i.expected_output, s)] }).collect::<Vec<_>>();
    let json = tokenizer_training::train(texts, e.vocab, &prompt::SPECIAL_TOKENS).unwrap();
    println!("tokenizer {:.1}s", t.elapsed().as_secs_f64());
    let tk = Tokenizer::from_json(json.as_bytes(), "t").unwrap();
    let t = Instant::now();
    let ex = examples::extraction(&d.train, &schemas, &tk).unwrap();
    println!("tokenize {:.1}s", t.elapsed().as_secs_f64());
    for l in Level::ALL { 
        let mut n: Vec<(usize,usize)> = d.train.iter().zip(&ex).filter(|(i,_)| i.complexity == Some(l)).map(|(_,x)| (x.tokens.len(), x.tokens.len()-x.answer_start)).collect(); n.sort();
        let q = |f: f64| n[(f * (n.len()-1) as f64) as usize];
        println!("{l:?} n {} len p10 {:?} p50 {:?} p90 {:?} p99 {:?} max {:?}", n.len(), q(0.1), q(0.5), q(0.9), q(0.99), q(1.0)); }
    let v = examples::extraction(&d.valid, &schemas, &tk).unwrap();
    let te = examples::extraction(&d.test, &schemas, &tk).unwrap();
    let cfg = ModelConfig { architecture: Architecture::Llama, vocab_size: tk.vocab_size(), hidden_size: e.width, intermediate_size: e.ffn, num_hidden_layers: e.layers, num_attention_heads: e.heads, num_key_value_heads: e.kv, head_dim: e.width / e.heads, rms_norm_eps: 1e-5, rope_theta: 1e4, rope_scaling: None, tie_word_embeddings: true, max_position_embeddings: e.max_pos, attention_bias: false, bos_token_id: None, eos_token_ids: vec![0], pad_token_id: Some(4) };
    println!("params {}", cfg.parameter_count());
    let _ = std::fs::remove_dir_all(out.join("ck"));
    let mut o = Obs { t: Instant::now(), tok: 0, tgt: 0, loss: 0., n: 0., all: 0 };
    let r = train(&cfg, &e.train, e.seed, &ex, &v, &out.join("ck"), false, &mut o).unwrap();
    println!("train {:.0}s", o.t.elapsed().as_secs_f64());
    let bundle = TokenizerBundle { tokenizer_json: json, chat_template: Some(prompt::CHAT_TEMPLATE.into()), bos_token: None, eos_token: Some("<|end|>".into()), pad_token: Some("<|pad|>".into()) };
    hf::write_folder(&out.join("model"), &cfg, &r.weights, Some(&bundle)).unwrap();
    let dev = burn_dev(); let m = bantam_model::weights::load(bantam_model::TokenModel::new(&cfg, &dev), r.weights, "x").unwrap();
    for l in Level::ALL { for seen in [true, false] { 
        let xs: Vec<Example> = d.test.iter().zip(&te).filter(|(i,_)| i.complexity == Some(l) && i.schema_seen == Some(seen)).map(|(_,x)| x.clone()).collect();
        if let Some(v) = validate(&m, &xs, 4096) { println!("test {l:?} seen {seen} n {} loss {:.4} acc {:.4}", xs.len(), v.loss, v.token_accuracy); } } }
}
fn burn_dev() -> burn::tensor::Device { burn::tensor::Device::flex() }
