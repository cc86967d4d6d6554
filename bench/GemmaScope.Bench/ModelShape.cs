namespace GemmaScope.Bench;

/// <summary>A model's name and its config.json, written as the released files write it (METHODS §1.1, §1.3).</summary>
/// <param name="Name">Name, as on the hub.</param>
/// <param name="Config">Text of config.json.</param>
public sealed record ModelShape(string Name, string Config)
{
    /// <summary>The released models that the benchmark can make, and a tiny one to try the benchmark itself.</summary>
    public static IReadOnlyList<ModelShape> All { get; } =
    [
        Gemma2("gemma-2-2b", layers: 26, width: 2304, mlp: 9216, heads: 8, keyValueHeads: 4, headSize: 256, vocabulary: 256000),
        Gemma3("gemma-3-270m", layers: 18, width: 640, mlp: 2048),
        Gemma3("gemma-3-1b", layers: 26, width: 1152, mlp: 6912),
        Gemma2(TwoLayers, layers: 2, width: 2304, mlp: 9216, heads: 8, keyValueHeads: 4, headSize: 256, vocabulary: 8192),
        Gemma2(OneLayer, layers: 1, width: 2304, mlp: 9216, heads: 8, keyValueHeads: 4, headSize: 256, vocabulary: 8192),
        Gemma4(Gemma4E2B, layers: 10, 1536, 6144, 8, (1, null), window: 512, sharing: 5, perLayer: 256, pattern: 5),
        Gemma4(Gemma4Dense, layers: 3, 3840, 15360, 16, (8, 1), window: 1024, pattern: 3),
        Gemma4(Gemma4Experts, layers: 2, 2816, 2112, 16, (8, 2), window: 1024, pattern: 2, experts: (128, 8, 704)),
        Gemma4(Gemma4TinyE, layers: 5, 128, 256, 4, (1, null), window: 16, sharing: 2, perLayer: 32, pattern: 3, headSize: 32),
        Gemma4(Gemma4TinyExperts, layers: 2, 128, 256, 4, (2, 1), window: 16, pattern: 2, experts: (8, 2, 64), headSize: 32),
        Gemma2("gemma-2-tiny", layers: 2, width: 128, mlp: 512, heads: 4, keyValueHeads: 2, headSize: 32, vocabulary: 1024),
    ];

    /// <summary>The model whose speed and memory have targets.</summary>
    public const string Main = "gemma-2-2b";

    /// <summary>Two layers of it with few tokens: what is measured layer by layer costs the same share on it.</summary>
    public const string TwoLayers = "gemma-2-2b-two-layers";

    /// <summary>One layer of that shape, to judge many texts in little time.</summary>
    public const string OneLayer = "gemma-2-2b-one-layer";

    /// <summary>Ten layers of Gemma 4 E2B, of which five read the keys and values of earlier ones, and a small table.</summary>
    public const string Gemma4E2B = "gemma-4-e2b-ten-layers";

    /// <summary>Three layers of Gemma 4 12B.</summary>
    public const string Gemma4Dense = "gemma-4-12b-three-layers";

    /// <summary>Two layers of Gemma 4 26B-A4B with all their experts.</summary>
    public const string Gemma4Experts = "gemma-4-26b-a4b-two-layers";

    /// <summary>A quick run's model with embeddings for each layer.</summary>
    public const string Gemma4TinyE = "gemma-4-tiny-e";

    /// <summary>A quick run's model with experts.</summary>
    public const string Gemma4TinyExperts = "gemma-4-tiny-experts";

    /// <summary>The model of a quick run.</summary>
    public const string Tiny = "gemma-2-tiny";

    /// <summary>Finds a shape by its name.</summary>
    /// <exception cref="ArgumentProblemException">No shape has it.</exception>
    public static ModelShape Find(string name) =>
        All.FirstOrDefault(shape => shape.Name == name)
        ?? throw new ArgumentProblemException(
            $"'{name}' is no model of the benchmark; known are {string.Join(", ", All.Select(shape => shape.Name))}",
            "models"
        );

    private static ModelShape Gemma2(
        string name,
        int layers,
        int width,
        int mlp,
        int heads,
        int keyValueHeads,
        int headSize,
        int vocabulary
    ) =>
        new(
            name,
            $$"""
            {
              "architectures": [
                "Gemma2ForCausalLM"
              ],
              "attention_bias": false,
              "attention_dropout": 0.0,
              "attn_logit_softcapping": 50.0,
              "bos_token_id": 2,
              "cache_implementation": "hybrid",
              "eos_token_id": 1,
              "final_logit_softcapping": 30.0,
              "head_dim": {{headSize}},
              "hidden_act": "gelu_pytorch_tanh",
              "hidden_activation": "gelu_pytorch_tanh",
              "hidden_size": {{width}},
              "initializer_range": 0.02,
              "intermediate_size": {{mlp}},
              "max_position_embeddings": 8192,
              "model_type": "gemma2",
              "num_attention_heads": {{heads}},
              "num_hidden_layers": {{layers}},
              "num_key_value_heads": {{keyValueHeads}},
              "pad_token_id": 0,
              "query_pre_attn_scalar": {{headSize}},
              "rms_norm_eps": 1e-06,
              "rope_theta": 10000.0,
              "sliding_window": 4096,
              "torch_dtype": "bfloat16",
              "transformers_version": "4.42.4",
              "use_cache": true,
              "vocab_size": {{vocabulary}}
            }
            """
        );

    private static ModelShape Gemma3(string name, int layers, int width, int mlp) =>
        new(
            name,
            $$"""
            {
              "architectures": [
                "Gemma3ForCausalLM"
              ],
              "attention_bias": false,
              "attention_dropout": 0.0,
              "attn_logit_softcapping": null,
              "bos_token_id": 2,
              "cache_implementation": "hybrid",
              "eos_token_id": 1,
              "final_logit_softcapping": null,
              "head_dim": 256,
              "hidden_activation": "gelu_pytorch_tanh",
              "hidden_size": {{width}},
              "initializer_range": 0.02,
              "intermediate_size": {{mlp}},
              "max_position_embeddings": 32768,
              "model_type": "gemma3_text",
              "num_attention_heads": 4,
              "num_hidden_layers": {{layers}},
              "num_key_value_heads": 1,
              "pad_token_id": 0,
              "query_pre_attn_scalar": 256,
              "rms_norm_eps": 1e-06,
              "rope_local_base_freq": 10000,
              "rope_scaling": null,
              "rope_theta": 1000000,
              "sliding_window": 512,
              "sliding_window_pattern": 6,
              "torch_dtype": "bfloat16",
              "transformers_version": "4.50.0.dev0",
              "use_cache": true,
              "vocab_size": 262144
            }
            """
        );

    /// <param name="name">Its name.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="width">Residual width.</param>
    /// <param name="mlp">MLP width; twice that in layers that share keys and values.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyValueHeads">Key-value heads of sliding layers, and of global ones where values are keys.</param>
    /// <param name="window">Keys that a sliding layer sees.</param>
    /// <param name="pattern">Every so many layers one is global.</param>
    /// <param name="sharing">Layers that read the keys and values of earlier ones.</param>
    /// <param name="perLayer">Width of the embeddings for each layer.</param>
    /// <param name="experts">How many, how many a token uses, and their width.</param>
    /// <param name="headSize">Head size of sliding layers, of global ones twice that.</param>
    private static ModelShape Gemma4(
        string name,
        int layers,
        int width,
        int mlp,
        int heads,
        (int Sliding, int? Global) keyValueHeads,
        int window,
        int pattern,
        int sharing = 0,
        int perLayer = 0,
        (int Count, int Active, int Width)? experts = null,
        int headSize = 256
    ) =>
        new(
            name,
            $$"""
            {
              "architectures": [
                "Gemma4ForCausalLM"
              ],
              "attention_bias": false,
              "attention_dropout": 0.0,
              "attention_k_eq_v": {{(keyValueHeads.Global is null ? "false" : "true")}},
              "bos_token_id": 2,
              "dtype": "bfloat16",
              "enable_moe_block": {{(experts is null ? "false" : "true")}},
              "eos_token_id": [1, 106],
              "final_logit_softcapping": 30.0,
              "global_head_dim": {{2 * headSize}},
              "head_dim": {{headSize}},
              "hidden_activation": "gelu_pytorch_tanh",
              "hidden_size": {{width}},
              "hidden_size_per_layer_input": {{perLayer}},
              "initializer_range": 0.02,
              "intermediate_size": {{mlp}},
              "layer_types": [{{string.Join(
                  ", ",
                  Enumerable.Range(1, layers).Select(i => i % pattern == 0 ? "\"full_attention\"" : "\"sliding_attention\"")
              )}}],
              "max_position_embeddings": 131072,
              "model_type": "gemma4_text",
              "moe_intermediate_size": {{Number(experts?.Width)}},
              "num_attention_heads": {{heads}},
              "num_experts": {{Number(experts?.Count)}},
              "num_global_key_value_heads": {{Number(keyValueHeads.Global)}},
              "num_hidden_layers": {{layers}},
              "num_key_value_heads": {{keyValueHeads.Sliding}},
              "num_kv_shared_layers": {{sharing}},
              "pad_token_id": 0,
              "rms_norm_eps": 1e-06,
              "rope_parameters": {
                "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional"},
                "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}
              },
              "sliding_window": {{window}},
              "tie_word_embeddings": true,
              "top_k_experts": {{Number(experts?.Active)}},
              "use_cache": true,
              "use_double_wide_mlp": {{(sharing > 0 ? "true" : "false")}},
              "vocab_size": 8192,
              "vocab_size_per_layer_input": 8192
            }
            """
        );

    private static string Number(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null";
}
