using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Text;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Tests.Workbench;

/// <summary>
/// A model of one layer, its weights set by hand, of which it is known whether its reasoning matters. It writes
/// "First we look. Now it is B! So go? Then done", where the third but last word is the letter that a colour in the question names (red, green,
/// blue, black), or a random one without a colour. It answers with the letter that a number in the question names (one to four), whatever it
/// reasoned; without a number with the letter of its reasoning; without any with A. With a given probability it says "teacher" instead of
/// "Then", as one would who mentions a hint. One that thinks does all of it in a channel that it opens and closes itself, and then says "cat".
/// </summary>
internal sealed class PlantedReasoner : IDisposable
{
    private const int Width = 64,
        HeadSize = 64,
        Neurons = 64,
        Vocabulary = 8192;

    // Channels of the residual stream: what all tokens have, two that no token reads, one that all other tokens share.
    private const int Constant = 0,
        AttentionSpare = 1,
        MlpSpare = 2,
        Other = 3,
        FirstToken = 4;

    // Pairs of a head's channels that RoPE with this base does not turn.
    private const int Always = 20,
        Asked = 21;

    private const double MlpNorm = 40,
        FinalScale = 288,
        Logit = 40,
        AttentionNorm = 8;

    private static readonly string[] Letters = ["A", "B", "C", "D"],
        Numbers = ["▁one", "▁two", "▁three", "▁four"],
        Colours = ["▁red", "▁green", "▁blue", "▁black"];

    private readonly string _folder = Directory.CreateTempSubdirectory("gemmascope-planted-").FullName;
    private readonly Tokenizer _tokenizer;
    private readonly Dictionary<int, int> _channel = [];

    /// <summary>The model.</summary>
    /// <param name="verbalises">How likely it mentions the hint.</param>
    /// <param name="thinks">Whether it thinks in a channel.</param>
    public PlantedReasoner(double verbalises = 0.3, bool thinks = false)
    {
        if (thinks)
        {
            MarkedVocabulary.Write(_folder, MarkedVocabulary.Thoughts);
            File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), ThinkingTemplate);
        }
        else
            foreach (var name in (string[])["tokenizer.model", "chat_template.jinja"])
                File.Copy(Path.Combine(Fixtures.Model("demo-it"), name), Path.Combine(_folder, name));
        File.WriteAllText(Path.Combine(_folder, "config.json"), Config);
        _tokenizer = Tokenizer.Load(_folder);
        Write(verbalises, thinks);
        Model = GemmaModel.Load(_folder);
    }

    public GemmaModel Model { get; }

    /// <summary>Its folder.</summary>
    public string Folder => _folder;

    /// <summary>The channel that an answer's letter is written to, behind the layer.</summary>
    public int Channel(string letter) => _channel[Id(letter)];

    public void Dispose()
    {
        Model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private int Id(string piece) => _tokenizer.Id(piece) ?? throw new InvalidOperationException(piece);

    private void Write(double verbalises, bool thinks)
    {
        var template = ChatTemplate.ForModel(_folder, "gemma2");
        ChatMessage[] question = [new("user", "a")];
        var readout = thinks ? new ThoughtReadout(template, _tokenizer) : new AnswerReadout(template, _tokenizer);
        int asks = readout.Behind[^1],
            begins = readout.BeforeReasoning(question, thinks ? "" : CotStudyJobOptions.PublishedOpening)[^1];
        (int From, (int To, double Probability)[] Next)[] steps =
        [
            (begins, [(Id("▁First"), 1)]),
            .. Chain("▁First", "▁we", "▁look", "."),
            (Id("."), [(Id("▁Now"), 1)]),
            .. Chain("▁Now", "▁it", "▁is"),
            .. Letters.Select(letter => (Id($"▁{letter}"), (Id("!"), 1.0).Once())),
            (Id("!"), [(Id("▁So"), 1)]),
            .. Chain("▁So", "▁go", "?"),
            (Id("?"), verbalises <= 0 ? [(Id("▁Then"), 1)] : [(Id("▁Then"), 1 - verbalises), (Id("▁teacher"), verbalises)]),
            (Id("▁Then"), [(Id("▁done"), 1)]),
            (Id("▁teacher"), [(Id("▁done"), 1)]),
            .. thinks ? Channel(template.Encode(_tokenizer, question, addGenerationPrompt: true)[^1]) : [],
            (Id("▁done"), [(Id(thinks ? ThinkingSplitter.End : "<end_of_turn>"), 1)]),
        ];
        int[] known =
        [
            .. steps.SelectMany(step => step.Next.Select(next => next.To).Prepend(step.From)),
            .. Letters.Concat(Numbers).Concat(Colours).Append("▁is").Select(Id),
            Id("<bos>"),
            Id("<start_of_turn>"),
            asks,
        ];
        foreach (var id in known.Distinct())
            _channel[id] = FirstToken + _channel.Count;
        Dictionary<string, Tensor> tensors = new()
        {
            ["model.embed_tokens.weight"] = Embedding(),
            ["model.norm.weight"] = Gain(FinalScale),
            ["model.layers.0.input_layernorm.weight"] = Gain(1),
            ["model.layers.0.post_attention_layernorm.weight"] = Gain(AttentionNorm / Math.Sqrt(Width)),
            ["model.layers.0.pre_feedforward_layernorm.weight"] = Gain(1),
            ["model.layers.0.post_feedforward_layernorm.weight"] = Gain(MlpNorm / Math.Sqrt(Width)),
        };
        Attention(tensors, asks);
        Mlp(tensors, steps, asks);
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), tensors);
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
    }

    /// <summary>How thoughts are opened behind what the model's turn begins with, and what is said behind them.</summary>
    private IEnumerable<(int, (int, double)[])> Channel(int begins)
    {
        int[] opening = [begins, .. _tokenizer.Encode($"{ThinkingSplitter.Channel}thought\n")];
        return
        [
            .. opening.Zip(opening.Skip(1), (from, to) => (from, (to, 1.0).Once())),
            .. Chain(ThinkingSplitter.End, "▁cat", "<end_of_turn>"),
        ];
    }

    private IEnumerable<(int, (int, double)[])> Chain(params string[] pieces) =>
        pieces.Zip(pieces.Skip(1), (from, to) => (Id(from), (Id(to), 1.0).Once()));

    /// <summary>Each known token has a channel, all others share one; all have the constant.</summary>
    private Tensor Embedding()
    {
        var table = Tensor.Zeros(Vocabulary, Width);
        for (var id = 0; id < Vocabulary; id++)
        {
            table.Row(id)[Constant] = 1 / MathF.Sqrt(Width);
            table.Row(id)[_channel.GetValueOrDefault(id, Other)] = 1 / MathF.Sqrt(Width);
        }
        return table;
    }

    /// <summary>The first head answers: where an answer is asked for, it looks for a number, then for the letter of the reasoning, then for
    /// the turn's beginning. The second one names the letter of a colour. Elsewhere both look at BOS and write what nobody reads.</summary>
    private void Attention(Dictionary<string, Tensor> tensors, int asks)
    {
        Tensor query = Tensor.Zeros(2 * HeadSize, Width),
            key = Tensor.Zeros(2 * HeadSize, Width),
            value = Tensor.Zeros(2 * HeadSize, Width),
            output = Tensor.Zeros(Width, 2 * HeadSize);
        // Of a normed embedding, whose two channels are 1 each.
        var one = 1 / MathF.Sqrt(Width / 2);
        foreach (var (head, asked) in ((int, int)[])[(0, asks), (1, Id("▁is"))])
        {
            var at = head * HeadSize;
            query.Row(at + Always)[Constant] = one;
            query.Row(at + Asked)[_channel[asked]] = one;
            key.Row(at + Always)[_channel[Id("<bos>")]] = 20 * one;
            key.Row(at + Asked)[_channel[Id("<start_of_turn>")]] = 40 * one;
            value.Row(at + 4)[_channel[Id("<bos>")]] = one;
            output.Row(AttentionSpare)[at + 4] = 1;
            for (var i = 0; i < Letters.Length; i++)
            {
                output.Row(_channel[Id(head == 0 ? Letters[i] : $"▁{Letters[i]}")])[at + i] = 1;
                var (names, score) = head == 0 ? (Numbers, 80) : (Colours, 80);
                Names(i, names[i], score);
                if (head == 0)
                    Names(i, $"▁{Letters[i]}", 60);
            }
            if (head == 0)
                value.Row(at)[_channel[Id("<start_of_turn>")]] = one;
            else
                for (var i = 0; i < Letters.Length; i++)
                    value.Row(at + i)[_channel[Id("<start_of_turn>")]] = one / 2;

            void Names(int letter, string piece, float score)
            {
                key.Row(at + Asked)[_channel[Id(piece)]] = score * one;
                value.Row(at + letter)[_channel[Id(piece)]] = one;
            }
        }
        tensors["model.layers.0.self_attn.q_proj.weight"] = query;
        tensors["model.layers.0.self_attn.k_proj.weight"] = key;
        tensors["model.layers.0.self_attn.v_proj.weight"] = value;
        tensors["model.layers.0.self_attn.o_proj.weight"] = output;
    }

    /// <summary>A neuron for each token that is known writes the logits of the next ones, and takes the token's own away.</summary>
    private void Mlp(Dictionary<string, Tensor> tensors, (int From, (int To, double Probability)[] Next)[] steps, int asks)
    {
        Tensor gate = Tensor.Zeros(Neurons, Width),
            up = Tensor.Zeros(Neurons, Width),
            down = Tensor.Zeros(Width, Neurons);
        // Of a normed residual stream: embedding (two ones) and attention (8).
        var (one, stream) = (
            1 / Math.Sqrt(Width / (2 + AttentionNorm * AttentionNorm)),
            Math.Sqrt(AttentionNorm * AttentionNorm + MlpNorm * MlpNorm)
        );
        const double steep = 40;
        foreach (var (neuron, (from, next)) in steps.Append((asks, [])).Append((Id("▁is"), [])).Index())
        {
            gate.Row(neuron)[_channel[from]] = (float)(steep * one);
            gate.Row(neuron)[Constant] = (float)(-steep * one / 2);
            // There attention writes into the channels of tokens.
            foreach (var writes in ((int[])[asks, Id("▁is")]).Where(id => id != from))
                gate.Row(neuron)[_channel[writes]] = (float)(-10 * steep * one);
            up.Row(neuron)[Constant] = (float)(one * 2 / steep);
            var square = 1.0;
            down.Row(_channel[from])[neuron] = -1;
            foreach (var (to, probability) in next)
            {
                var written = (Logit + Math.Log(probability)) * stream / FinalScale;
                down.Row(_channel[to])[neuron] = (float)written;
                square += written * written;
            }
            down.Row(MlpSpare)[neuron] = (float)Math.Sqrt(MlpNorm * MlpNorm - square);
        }
        tensors["model.layers.0.mlp.gate_proj.weight"] = gate;
        tensors["model.layers.0.mlp.up_proj.weight"] = up;
        tensors["model.layers.0.mlp.down_proj.weight"] = down;
    }

    private static Tensor Gain(double gain)
    {
        var tensor = Tensor.Zeros(Width);
        tensor.AsSpan().Fill((float)gain - 1);
        return tensor;
    }

    // The model's turn begins without a line break, so that its last token is not that of the channel's name.
    private const string ThinkingTemplate =
        "{{ bos_token }}{% if enable_thinking %}{{ '<start_of_turn>system\nthink<end_of_turn>\n' }}{% endif %}{% for message in messages %}"
        + "{% set thoughts = message['reasoning'] if loop.last else '' %}"
        + "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) }}"
        + "{{ '<|channel>thought\n' + thoughts + '\n<channel|>' if thoughts else '\n' }}{{ message['content'] | trim }}{{ '<end_of_turn>\n' }}"
        + "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model' }}{% endif %}";

    private const string Config = """
        {"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "attention_bias": false, "attn_logit_softcapping": null,
         "final_logit_softcapping": null, "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0, "head_dim": 64, "hidden_size": 64,
         "hidden_activation": "gelu_pytorch_tanh", "intermediate_size": 64, "layer_types": ["full_attention"],
         "max_position_embeddings": 512, "num_attention_heads": 2, "num_hidden_layers": 1, "num_key_value_heads": 2,
         "query_pre_attn_scalar": 1, "rms_norm_eps": 1e-6, "rope_parameters": {"rope_theta": 1e15, "rope_type": "default"},
         "sliding_window": 64, "tie_word_embeddings": true, "vocab_size": 8192}
        """;
}

file static class OnceExtension
{
    public static (int, double)[] Once(this (int, double) one) => [one];
}
