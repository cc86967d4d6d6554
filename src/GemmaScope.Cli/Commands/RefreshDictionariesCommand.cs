using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Looks at what a repository on the hub holds now.</summary>
internal sealed class RefreshDictionariesCommand : GemmaScopeCommand
{
    private readonly Argument<string> _repository;
    private readonly Option<bool> _json;

    public RefreshDictionariesCommand()
        : base(
            "refresh",
            "List the dictionaries of a repository on the hub and remember them for you "
                + $"(in {CatalogueRefresh.FileVariable}, or your folder of settings).",
            "gemmascope dictionaries refresh google/gemma-scope-2-1b-pt"
        )
    {
        _repository = Add(
            new Argument<string>("repository") { Description = "org/name[@revision]; one whose paths are those of Gemma Scope." }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var repository = arguments.GetValue(_repository)!;
        var found = session.Run((_, cancellationToken) => CatalogueRefresh.RunAsync(repository, cancellationToken: cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(CatalogueList.Of(found)));
        else
            session.Terminal.Out.WriteLine(
                $"{repository}: {found.Count} dictionaries, {Format.Bytes(found.Sum(entry => entry.Bytes ?? 0))}; "
                    + $"written to {CatalogueRefresh.UserFile()}"
            );
        return Application.Success;
    }
}
