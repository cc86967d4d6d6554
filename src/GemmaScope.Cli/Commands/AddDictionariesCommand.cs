using System.CommandLine;
using GemmaScope.Dictionaries;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Makes the dictionaries of a folder known by name.</summary>
internal sealed class AddDictionariesCommand : GemmaScopeCommand
{
    private readonly Argument<string> _folder;
    private readonly Option<bool> _json;

    public AddDictionariesCommand()
        : base(
            "add",
            $"Make the dictionaries of a folder that has a {LocalCatalogue.FileName}, such as a suite's, "
                + "known by the folder's name and their path.",
            "gemmascope dictionaries add suites/demo"
        )
    {
        _folder = Add(new Argument<string>("folder") { Description = "The folder, which then must stay where it is." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var added = LocalCatalogue.Add(arguments.GetValue(_folder)!);
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(CatalogueList.Of(added)));
        else
            session.Terminal.Out.WriteLine(
                $"{added.Count} dictionaries are known by name now{(added.Count > 0 ? $", e.g. {added[0].Name}" : "")}; "
                    + $"written to {LocalCatalogue.UserFile()}"
            );
        return Application.Success;
    }
}
