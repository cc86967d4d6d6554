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
        Gemma2("gemma-2-tiny", layers: 2, width: 128, mlp: 512, heads: 4, keyValueHeads: 2, headSize: 32, vocabulary: 1024),
    ];

    /// <summary>The model whose speed and memory have targets.</summary>
    public const string Main = "gemma-2-2b";

    /// <summary>Two layers of it with few tokens: what is measured layer by layer costs the same share on it.</summary>
    public const string TwoLayers = "gemma-2-2b-two-layers";

    /// <summary>One layer of that shape, to judge many texts in little time.</summary>
    public const string OneLayer = "gemma-2-2b-one-layer";

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
}
