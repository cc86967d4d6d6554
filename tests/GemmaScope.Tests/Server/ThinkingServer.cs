using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Tests.Workbench;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A server of a model that thinks in a channel, with a dictionary whose only feature is the letter that it thinks of, and a
/// direction.</summary>
public sealed class ThinkingServer : IAsyncLifetime
{
    /// <summary>What it is asked, thinks of that, and says.</summary>
    public const string Question = "Pick green.",
        Thoughts = " First we look. Now it is B! So go? Then done",
        Answer = " cat";

    private readonly PlantedReasoner _planted = new(verbalises: 0, thinks: true);
    private SparseDictionary? _dictionary;
    private ServerHost? _host;

    /// <summary>The model.</summary>
    public GemmaModel Model => _planted.Model;

    /// <summary>A client of the server.</summary>
    public HttpClient Client { get; } = new() { Timeout = Patience.Limit };

    public async ValueTask InitializeAsync()
    {
        var width = Model.Config.Width;
        Tensor encoder = Tensor.Zeros(width, 1),
            decoder = Tensor.Zeros(1, width);
        encoder.Row(_planted.Channel("▁B"))[0] = 1;
        decoder.Row(0)[_planted.Channel("▁B")] = 1;
        _dictionary = new DictionaryParameters
        {
            Activation = ActivationFunction.Relu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = new float[width],
            EncoderBias = [-0.5f],
        }.ToDictionary("letters", Site.ResidPre(0), Site.ResidPre(0));
        var direction = new float[width];
        direction[_planted.Channel("▁B")] = 2;
        _host = await ServerHost.StartAsync(
            new ServerModel(Microscope.Of("planted", Model, _dictionary)),
            new ServerOptions
            {
                Port = 0,
                Guard = null,
                Directions = [new("letter", Site.ResidPre(0), direction)],
                TimeLimit = Patience.Limit,
            }
        );
        Client.BaseAddress = _host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_host is not null)
            await _host.DisposeAsync();
        _dictionary?.Dispose();
        _planted.Dispose();
    }
}
